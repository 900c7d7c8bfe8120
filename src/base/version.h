/* The version of omg, in the one place that knows it. */
#ifndef OMG_BASE_VERSION_H
#define OMG_BASE_VERSION_H

#define OMG_VERSION "0.1.0"

#endif
