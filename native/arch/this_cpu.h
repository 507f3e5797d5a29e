// The freestanding half of the CPU that this is compiled for.
#pragma once

#if defined(__x86_64__)
#include "arch/x86_64/restorer.h"
#elif defined(__aarch64__)
#include "arch/aarch64/restorer.h"
#elif defined(__arm__)
#include "arch/arm/restorer.h"
#else
#error "thaw knows x86-64, AArch64 and ARMv7"
#endif
