/* Not a plugin: preloaded (LD_PRELOAD), it makes a disk full. Writes to files under $FULL_DISK take $FULL_DISK_BYTES
 * bytes in all, or 100, then fail with ENOSPC, as a disk does that fills up in the middle of a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t left = 100;

__attribute__((constructor)) static void start(void) {
  const char *bytes = getenv("FULL_DISK_BYTES");
  if (bytes) left = strtoull(bytes, NULL, 10);
}

ssize_t write(int file, const void *bytes, size_t n) {
  const char *folder = getenv("FULL_DISK");
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  if (folder && strncmp(path, folder, strlen(folder)) == 0) {
    if (n > left) n = left;
    if (n == 0) return errno = ENOSPC, -1;
    left -= n;
  }
  return syscall(SYS_write, file, bytes, n);
}
