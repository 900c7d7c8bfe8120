/* The packages service: has the index built and kept fresh, hands it to the broker, and does what
 * takes a look at the machine's packages rather than at the index. */
#ifndef OMG_SERVICE_PACKAGES_H
#define OMG_SERVICE_PACKAGES_H

/* The whole process: descriptor 3 is the supervisor's. The exit status. */
int packages_main(void);

#endif
