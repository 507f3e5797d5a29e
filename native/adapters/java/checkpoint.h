// How thaw and the adapter talk to each other (docs/adapters.md), and what happens around a checkpoint.
#pragma once

#include "adapters/java/delivered.h"

namespace thaw::java {

/// How the app was started, found out before anything of it runs.
struct Start {
  Strings environment;  ///< without what thaw has added
  Strings command_line;
  std::string answers;  ///< folder for answers
  std::string key;      ///< bytes that the mark is made of
  std::string socket;   ///< where the app's own call goes; empty: thaw will ask
};

/// Calls for the checkpoint, on this thread. What went wrong, empty if nothing did; in a launch it returns
/// only when all is well.
std::string checkpoint(JNIEnv* env, const Start& start);

}  // namespace thaw::java
