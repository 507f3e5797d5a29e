// The record of the App API in an app's memory, for the engine: the part of include/thaw.h that
// both sides use.
#pragma once

#define THAW_LAYOUT_ONLY
#include "include/thaw.h"

// Apps are compiled with it, some of them with an older thaw.h.
static_assert(sizeof(thaw_call) == 40, "the layout of struct thaw_call must stay");
