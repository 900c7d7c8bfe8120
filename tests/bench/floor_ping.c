/* What a client process costs at the least: floor_ping SOCKET connects to the daemon there, pings
 * it, and prints what came. Nothing is checked. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static const char ping[16] = "\0\0\0\14\5\0\0\0\1\0\0\0\0\0\0";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char answer[64];
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) return 2;
    memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) return 1;
    if (write(fd, ping, sizeof ping) != sizeof ping) return 1;
    ssize_t n = read(fd, answer, sizeof answer);
    if (n < 5) return 1;
    return write(STDOUT_FILENO, answer + n - 4, 4) != 4;
}
