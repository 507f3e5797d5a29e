// The app's terminal: what the app has made of its mode, as bits that a launch sets on its caller's.
#include <asm/termbits.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "checkpoint/collect/collect.h"
#include "checkpoint/usual_mode.h"
#include "proc/members.h"

namespace thaw::checkpoint {
namespace {

using namespace usual_mode;

// What no program is started on a terminal without.
constexpr uint32_t kUsualLocal = ISIG | ICANON | ECHO | IEXTEN;

/// True if the app has changed it, for users' own settings (stty) leave these as they are.
bool is_changed(const termios& mode) {
  return (mode.c_lflag & kUsualLocal) != kUsualLocal || (mode.c_iflag & ICRNL) == 0 ||
         (mode.c_oflag & OPOST) == 0;
}

/// Words of stty(1) for what users set as well.
struct Name {
  uint32_t bit;
  const char* name;
};
constexpr Name kInputNames[] = {{IXON, "ixon"},   {IXOFF, "ixoff"},    {IXANY, "ixany"},
                                {INLCR, "inlcr"}, {IGNCR, "igncr"},    {ISTRIP, "istrip"},
                                {IUCLC, "iuclc"}, {IMAXBEL, "imaxbel"}};
constexpr Name kOutputNames[] = {{ONLCR, "onlcr"}, {OCRNL, "ocrnl"}, {ONLRET, "onlret"}};
constexpr Name kLocalNames[] = {{ECHOE, "echoe"},     {ECHOK, "echok"},   {ECHONL, "echonl"},
                                {ECHOCTL, "echoctl"}, {ECHOKE, "echoke"}, {NOFLSH, "noflsh"},
                                {TOSTOP, "tostop"}};
constexpr const char* kCharacterNames[NCCS] = {
    "intr", "quit", "erase", "kill",  "eof",     nullptr,  nullptr, "swtch", "start",
    "stop", "susp", "eol",   "rprnt", "discard", "werase", "lnext", "eol2"};

void name_changes(std::span<const Name> names, uint32_t usual, uint32_t now, std::string& text) {
  for (const Name& name : names)
    if (((usual ^ now) & name.bit) != 0)
      text += std::string(" ") + ((now & name.bit) != 0 ? "" : "-") + name.name;
}

/// What may be the app's or its user's.
void tell_doubtful(const termios& mode, std::vector<std::string>& warnings) {
  std::string text;
  name_changes(kInputNames, kInput, mode.c_iflag, text);
  name_changes(kOutputNames, kOutput, mode.c_oflag, text);
  name_changes(kLocalNames, kLocal, mode.c_lflag, text);
  for (int i = 0; i < NCCS; ++i)
    if (kCharacterNames[i] != nullptr && mode.c_cc[i] != kCharacters[i])
      text += std::string(" ") + kCharacterNames[i];
  if (!text.empty())
    warnings.push_back("the app's terminal has a mode (stty" + text +
                       ") that its user may have set, or the app: a launch has its caller's");
}

model::OwnBits own_bits(uint32_t usual, uint32_t now, uint32_t not_own = 0) {
  return {(usual ^ now) & ~not_own, now & (usual ^ now) & ~not_own};
}

void collect_mode(const termios& mode, model::Terminal& terminal,
                  std::vector<std::string>& warnings) {
  if (!is_changed(mode)) {
    tell_doubtful(mode, warnings);
    return;
  }
  terminal.input = own_bits(kInput, mode.c_iflag, kNotOwnInput);
  terminal.output = own_bits(kOutput, mode.c_oflag);
  terminal.local = own_bits(kLocal, mode.c_lflag, kNotOwnLocal);
  static_assert(NCCS <= sizeof(terminal.cc));
  memcpy(terminal.cc, mode.c_cc, NCCS);
  for (int i = 0; i < NCCS; ++i)
    if (mode.c_cc[i] != kCharacters[i]) terminal.characters.changed |= 1u << i;
  // They mean something without lines only, so nobody resets them with lines.
  if ((mode.c_lflag & ICANON) == 0) terminal.characters.changed |= 1u << VMIN | 1u << VTIME;
}

/// Whether `terminal` is the app's controlling one and other processes have it at present, as a shell
/// whose line editor sets the mode for itself.
bool is_others(const fd::Probe& p, unsigned terminal) {
  const auto kin = proc::read_kinship(p.pid);
  if (!kin || static_cast<unsigned>(kin.value().terminal) != terminal) return false;
  const pid_t foreground = kin.value().terminal_group;
  return std::none_of(p.members.begin(), p.members.end(), [foreground](pid_t member) {
    const auto its = proc::read_kinship(member);
    return its && its.value().group == foreground;
  });
}

}  // namespace

void collect_terminal(const fd::Probe& p, int number, model::Terminal& terminal,
                      TerminalMode& own_mode, std::vector<std::string>& warnings) {
  constexpr int kStandard = 3;
  const bool by_name = p.status.st_rdev == makedev(5, 0);  // /dev/tty
  termios mode = {};
  if (!S_ISCHR(p.status.st_mode) || (number >= kStandard && !by_name) ||
      ioctl(p.copy.get(), TCGETS, &mode) != 0)
    return;
  const bool first = terminal.standard == 0 && terminal.held < 0;
  if (number < kStandard)
    terminal.standard |= 1u << number;
  else if (terminal.held < 0)
    terminal.held = number;
  if (!first) return;
  unsigned device = 0;
  if (ioctl(p.copy.get(), TIOCGDEV, &device) != 0 || !is_others(p, device)) {
    collect_mode(mode, terminal, warnings);
    static_assert(sizeof(mode) == model::kModeSize);
    memcpy(own_mode.emplace().data(), &mode, sizeof(mode));
  }
  winsize size = {};
  if (ioctl(p.copy.get(), TIOCGWINSZ, &size) != 0) return;
  terminal.rows = size.ws_row;
  terminal.columns = size.ws_col;
}

/// A launch tells such an app by SIGWINCH to draw what the terminal does not show
/// (restorer/terminal.cc): the wait for keys ends by that, as where the signal comes while it waits.
void expect_redraw(const Capture& capture, ProcessCapture& process) {
  const model::Terminal& terminal = process.record.terminal;
  if (process.record.foreground != model::kNone) return;  // It waits for a job that is told.
  const bool own_mode = (terminal.input.changed | terminal.output.changed | terminal.local.changed |
                         terminal.characters.changed) != 0;
  ThreadCapture& thread = process.threads.front();
  const auto gets_it = [](const ThreadCapture& one) {
    return (one.signals.blocked >> (SIGWINCH - 1) & 1) == 0;
  };
  const bool alone =
      gets_it(thread) && std::none_of(process.threads.begin() + 1, process.threads.end(), gets_it);
  if (!own_mode || !thread.ends_by_handlers || !alone) return;
  const model::Range& own = process.record.sigactions;
  const auto actions = std::span(capture.image.sigactions).subspan(own.first, own.count);
  if (std::any_of(actions.begin(), actions.end(), [](const model::SigAction& action) {
        return action.signal == SIGWINCH && action.handler > 1;  // SIG_DFL, SIG_IGN
      }))
    arch::answer_restarted(thread.registers, -EINTR);
}

}  // namespace thaw::checkpoint
