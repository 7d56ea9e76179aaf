/* Not a plugin: preloaded (LD_PRELOAD), it lets no file reach the disk: each flush fails. */
#include <errno.h>

int fsync(int file) {
  (void)file;
  return errno = EIO, -1;
}
