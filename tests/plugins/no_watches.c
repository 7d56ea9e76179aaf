/* Not a plugin: preloaded (LD_PRELOAD), it refuses to watch folders, as a system does that has no watches left. */
#include <errno.h>
#include <stdint.h>

int inotify_add_watch(int file, const char *path, uint32_t mask) {
  (void)file, (void)path, (void)mask;
  return errno = ENOSPC, -1;
}
