/* A main for a fuzz target that only replays: the empty input, then each file given, one TAP line
 * each. What a target cannot bear ends the program, and with it the run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGEST = 1 << 20 };

static int replay(const char *path, uint8_t *room)
{
    FILE *f = fopen(path, "rb");
    if (!f) return -1;
    size_t n = fread(room, 1, LARGEST, f);
    int bad = ferror(f);
    fclose(f);
    if (bad) return -1;
    /* A block of exactly this size, so that the sanitizer sees a read past its end. */
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact) return -1;
    for (size_t i = 0; i < n; i++) exact[i] = room[i];
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    static uint8_t room[LARGEST];
    int failed = 0;

    LLVMFuzzerTestOneInput(room, 0);
    printf("1..%d\nok 1 - the empty input\n", argc);
    for (int i = 1; i < argc; i++) {
        int bad = replay(argv[i], room);
        printf("%sok %d - %s\n", bad ? "not " : "", i + 1, argv[i]);
        fflush(stdout);
        failed |= bad;
    }
    return failed ? 1 : 0;
}
