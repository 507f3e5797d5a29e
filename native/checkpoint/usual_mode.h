// How the kernel makes terminals, and shells hand them to programs (tty_std_termios of the kernel's
// drivers/tty/tty_io.c, INIT_C_CC).
#pragma once

#include <asm/termbits.h>

#include <cstdint>

namespace thaw::checkpoint::usual_mode {

constexpr uint32_t kInput = ICRNL | IXON;
constexpr uint32_t kOutput = OPOST | ONLCR;
constexpr uint32_t kLocal = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
constexpr unsigned char kCharacters[NCCS] = {3,  28, 127, 21, 4,  0,  1, 0, 17, 19,
                                             26, 0,  18,  15, 23, 22, 0, 0, 0};
// Not the app's: what the terminal's other end says of itself, and states.
constexpr uint32_t kNotOwnInput = IUTF8;
constexpr uint32_t kNotOwnLocal = FLUSHO | PENDIN;

}  // namespace thaw::checkpoint::usual_mode
