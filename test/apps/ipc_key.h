// The key of System V objects that an app has: its first own argument, in hexadecimal, and the user's id, so that users do not meet.
#pragma once

#include <stdlib.h>
#include <sys/ipc.h>
#include <unistd.h>

static inline key_t ipc_key(int argc, char** argv) {
  return (key_t)(strtoul(argc > 4 ? argv[4] : "0", NULL, 16) + getuid());
}
