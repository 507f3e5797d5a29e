// A program that holds one kind of state, named by its argument, until it may end; with $HOLD_LATER only from when it goes on, as
// the remedies of refusals say.
#pragma once

#include "harness.h"

struct holder {
  const char* name;
  void (*hold)(void);
};

static void hold_named(int argc, char** argv, const struct holder* holders, size_t count) {
  app_start(argc, argv);
  const bool later = getenv("HOLD_LATER") != NULL;
  for (size_t i = 0; i < count; i++)
    if (argc > 4 && strcmp(argv[4], holders[i].name) == 0) {
      if (!later) holders[i].hold();
      app_wait();
      if (later) holders[i].hold();
      return;
    }
  FAIL("what to hold, expected a known name, got %s", argc > 4 ? argv[4] : "none");
}
