/* A disk that has bad hours: preloaded, it looks at every write and sync of files below one folder.
 *
 * DISK_FOLDER is that folder, DISK_SWITCH a file of two 32-bit numbers that are read at each call:
 * the errno that writes end with (0: none), and the milliseconds that a sync takes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static volatile int32_t *the_switch;
static const char *folder;
static size_t folder_length;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("DISK_SWITCH");
    folder = getenv("DISK_FOLDER");
    if (!path || !folder)
        return;
    folder_length = strlen(folder);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    void *page = mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED)
        the_switch = page;
}

static int is_below(int file)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/'
        && strcmp(path + folder_length, "/bot.log"); /* which is where tests look for the reason */
}

static int broken(int file)
{
    if (!the_switch || !the_switch[0] || !is_below(file))
        return 0;
    errno = the_switch[0];
    return 1;
}

static void dawdle(int file)
{
    if (the_switch && the_switch[1] && is_below(file))
        usleep(the_switch[1] * 1000);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t count)
{
    return broken(file) ? -1 : REAL(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    return broken(file) ? -1 : REAL(pwrite)(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
    return broken(file) ? -1 : REAL(pwrite64)(file, bytes, count, at);
}

int fsync(int file)
{
    dawdle(file);
    return broken(file) ? -1 : REAL(fsync)(file);
}

int fdatasync(int file)
{
    dawdle(file);
    return broken(file) ? -1 : REAL(fdatasync)(file);
}
