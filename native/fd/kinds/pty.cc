// Pseudo-terminals both of whose ends the app holds. One Object per pair, with the state that both
// share; each launch makes a new pair, whose slave has another number and so another name: what the
// app has kept of ptsname(3) leads to somebody else's terminal, or nowhere. So a pair is taken only
// where the app holds its slave open, and the build warns of the name.
#include "fd/pty.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>

#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/outside.h"
#include "fd/payload.h"
#include "fd/reopen.h"
#include "proc/pts.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::device;
constexpr const char* kLater = "open it after the checkpoint, or ";

/// What both ends share.
struct PairState {
  termios2 mode = {};
  winsize size = {};
  uint32_t packets = 0;      ///< TIOCPKT
  uint32_t permissions = 0;  ///< of the slave's name
};

struct EndRecord {
  uint32_t slave = 0;
  uint32_t by_name = 0;  ///< 1: a slave that was opened as /dev/tty
};

bool is_terminal_of(const Probe& p, unsigned number) {
  return S_ISCHR(p.status.st_mode) && (p.flags & O_PATH) == 0 && major(p.status.st_rdev) == number;
}

/// /dev/ptmx is one device for all of them.
bool is_master(const Probe& p) {
  return is_terminal_of(p, 5) && p.status.st_rdev == makedev(5, 2);
}

bool is_slave(const Probe& p) {
  return is_terminal_of(p, proc::kPtsMajor);
}

/// /dev/tty stands for the controlling terminal of who has opened it.
bool is_by_name(const Probe& p) {
  return is_terminal_of(p, 5) && p.status.st_rdev == makedev(5, 0);
}

int ioctl_value(int fd, unsigned long request) {
  int value = 0;
  return ioctl(fd, request, &value) == 0 ? value : 0;
}

Result<UniqueFd> open_peer(int master, int flags) {
  UniqueFd fd(ioctl(master, TIOCGPTPEER, flags | O_NOCTTY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot open the slave of a pseudo-terminal");
  return fd;
}

dev_t slave_device(const Probe& master) {
  const int number = ioctl_value(master.copy.get(), TIOCGPTN);
  return makedev(proc::kPtsMajor, static_cast<unsigned>(number));
}

/// The number is that of a slave of one instance of devpts: the name's inode tells which.
bool belong_together(const Probe& master, const Probe& slave, const struct stat& peer) {
  return slave.status.st_rdev == slave_device(master) && slave.status.st_dev == peer.st_dev &&
         slave.status.st_ino == peer.st_ino;
}

/// A slave of that master that the tree has open, or null. Opening it once more changes nothing for
/// those who have it.
const Probe* slave_of(const Collector& c, const Probe& master) {
  const dev_t device = slave_device(master);
  const bool held = std::any_of(c.probes.begin(), c.probes.end(), [&](const Probe& p) {
    return is_slave(p) && p.status.st_rdev == device;
  });
  if (!held || ioctl_value(master.copy.get(), TIOCGPTLCK) != 0) return nullptr;
  const auto peer = open_peer(master.copy.get(), O_RDWR);
  struct stat status = {};
  if (!peer || fstat(peer.value().get(), &status) != 0) return nullptr;
  for (const Probe& p : c.probes)
    if (is_slave(p) && belong_together(master, p, status)) return &p;
  return nullptr;
}

/// Of what was opened as /dev/tty, the number alone is known.
bool is_slave_that(const Probe& p, const Probe& held) {
  if (!is_by_name(p))
    return p.status.st_ino == held.status.st_ino && p.status.st_dev == held.status.st_dev;
  unsigned device = 0;
  return ioctl(p.copy.get(), TIOCGDEV, &device) == 0 &&
         proc::pts_number(device) == minor(held.status.st_rdev);
}

const Probe* master_of(const Collector& c, const Probe& slave) {
  for (const Probe& p : c.probes)
    if (is_master(p))
      if (const Probe* held = slave_of(c, p); held != nullptr && is_slave_that(slave, *held))
        return &p;
  return nullptr;
}

std::string suggestion(const Probe& p) {
  return policy::suggestion(kType, p.link, policy::kCloseOrIgnore);
}

/// Bytes that the slave's reader would get, those of a line that is not whole as well: these are
/// counted without lines only (n_tty_ioctl() of the kernel). Where there are some, the app is
/// refused, and the reader of one that runs on gets them as after an end of file (VEOF). With EXTPROC
/// all are counted, and a change of the mode would be told to the master (TIOCPKT_IOCTL).
int input_waiting(const Collector& c, int master, int slave, const termios2& mode) {
  const int whole = ioctl_value(slave, FIONREAD);
  if (whole != 0 || (mode.c_lflag & (ICANON | EXTPROC)) != ICANON || !c.frozen) return whole;
  termios2 without = mode;
  without.c_lflag &= ~static_cast<tcflag_t>(ICANON);
  if (ioctl(master, TCSETS2, &without) != 0) return 0;
  const int all = ioctl_value(slave, FIONREAD);
  ioctl(master, TCSETS2, &mode);
  return all;
}

/// That of the first process is its caller's, of whatever a launch's caller has.
bool is_begun_by_app(const Probe& p, pid_t session) {
  return std::find(p.members.begin() + 1, p.members.end(), session) != p.members.end();
}

/// Each end is refused, with the policy for it.
Result<void> refuse_state(const Collector& c, const Probe& end, const Probe& master,
                          const Probe& slave, const termios2& mode) {
  const std::string which = &end == &master ? "is the master of " : "is the slave of ";
  const int fd = master.copy.get();
  int session = 0;
  if (ioctl(fd, TIOCGSID, &session) == 0 && !is_begun_by_app(end, session))
    return refuse(end, which + "the terminal that session " + std::to_string(session) + " has",
                  kLater + suggestion(end));
  if (ioctl_value(fd, TIOCGEXCL) != 0 || ioctl_value(slave.copy.get(), TIOCGEXCL) != 0 ||
      ioctl_value(slave.copy.get(), TIOCGETD) != 0)
    return refuse(end, which + "a terminal for one process, or of another discipline",
                  kLater + suggestion(end));
  const int output = ioctl_value(fd, FIONREAD);
  const int input = input_waiting(c, fd, slave.copy.get(), mode);
  pollfd told = {fd, POLLPRI, 0};
  if (poll(&told, 1, 0) != 0)
    return refuse(
        end, which + "a terminal with a change that the app has not read (TIOCPKT)",
        "let the app read it before the checkpoint (lengthen `settle`), or " + suggestion(end));
  if (output != 0 || input != 0)
    return refuse(
        end,
        which + "a terminal with data that the app has not read (" + std::to_string(output) +
            " bytes of output, " + std::to_string(input) + " of input)",
        "let the app read it before the checkpoint (lengthen `settle`), or " + suggestion(end));
  return {};
}

Result<void> fill_pair(Collector& c, const Probe& end, const Probe& master, const Probe& slave,
                       model::Object& object) {
  PairState state;
  const int fd = master.copy.get();
  if (ioctl(fd, TCGETS2, &state.mode) != 0 || ioctl(fd, TIOCGWINSZ, &state.size) != 0)
    return errno_error("cannot read the mode of " + describe(slave));
  THAW_TRY(refuse_state(c, end, master, slave, state.mode));
  state.packets = ioctl_value(fd, TIOCGPKT) != 0 ? 1 : 0;
  state.permissions = slave.status.st_mode & 0777;
  object.content = c.image.record(state);
  object.name = c.image.blob(master.link);
  return {};
}

void note_session(Collector& c, const Probe& master, model::Index object) {
  int session = 0, group = 0;
  const int fd = master.copy.get();
  const bool known = std::any_of(c.terminals.begin(), c.terminals.end(),
                                 [object](const auto& one) { return one.object == object; });
  if (!known && ioctl(fd, TIOCGSID, &session) == 0 && ioctl(fd, TIOCGPGRP, &group) == 0)
    c.terminals.push_back({object, session, group});
}

Result<void> collect_end(Collector& c, const Probe& p, const Probe& master, const Probe& slave,
                         model::OpenFile& out) {
  Result<void> status;
  out.object = c.object(
      model::ObjectKind::pty, object_id(slave.status.st_dev, slave.status.st_ino),
      [&](model::Object& object) { return fill_pair(c, p, master, slave, object); }, status);
  if (!status) return status;
  note_session(c, master, out.object);
  out.kind = kind_id(kPty);
  out.side = &p == &master ? 0 : 1;
  out.position = 0;
  out.payload = c.image.record(EndRecord{out.side, is_by_name(p) ? 1u : 0u});
  out.note =
      c.image.blob(out.side == 0   ? "master of " + slave.link
                   : is_by_name(p) ? "controlling terminal of a session of the app's own"
                                   : "slave of a terminal of the app's own, under another name");
  return {};
}

/// Then nobody but root can open the slave once more, which slave_of() does.
bool is_exclusive(const Collector& c, const Probe& master) {
  const dev_t device = slave_device(master);
  return std::any_of(c.probes.begin(), c.probes.end(), [device](const Probe& p) {
    return is_slave(p) && p.status.st_rdev == device && ioctl_value(p.copy.get(), TIOCGEXCL) != 0;
  });
}

Result<void> collect_master(Collector& c, const Probe& p, model::OpenFile& out) {
  const Probe* slave = slave_of(c, p);
  if (slave == nullptr && is_exclusive(c, p))
    return refuse(p, "is the master of a terminal for one process (TIOCEXCL)",
                  "let the app set that after the checkpoint, or " + suggestion(p));
  if (slave == nullptr)
    return refuse(p,
                  "is the master of a pseudo-terminal whose slave the app does not hold open: each "
                  "launch has it under another name (ptsname(3))",
                  "let the app hold its slave open as well, or open it after the checkpoint, or " +
                      suggestion(p));
  if (const std::string holder = outside_holder(c, *slave); !holder.empty())
    return refuse(p, "is the master of a terminal that " + holder + " has as well",
                  kLater + suggestion(p));
  if (c.warnings != nullptr)
    c.warnings->push_back(describe(*slave) +
                          " is a terminal of the app's own, which has another name in each launch: "
                          "what it has kept of ptsname(3) is wrong there");
  return collect_end(c, p, p, *slave, out);
}

Result<void> make_pair(Opener& o, const model::OpenFile& file) {
  Opener::Side& side = o.sides[file.object];
  if (side.fd[0] >= 0) return {};
  const model::Object& object = o.image.objects()[file.object];
  const auto& state = *o.image.record<PairState>(object.content);
  THAW_ASSIGN(master, open_path(o.image.bytes(object.name), O_RDWR | O_NOCTTY));
  const int unlocked = 0;
  if (ioctl(master.get(), TIOCSPTLCK, &unlocked) != 0)
    return errno_error("cannot unlock a pseudo-terminal");
  THAW_ASSIGN(slave, open_peer(master.get(), O_RDWR));
  const int packets = static_cast<int>(state.packets);
  if (ioctl(slave.get(), TCSETS2, &state.mode) != 0 ||
      ioctl(slave.get(), TIOCSWINSZ, &state.size) != 0 ||
      ioctl(master.get(), TIOCPKT, &packets) != 0)
    return errno_error("cannot set the mode of a pseudo-terminal");
  struct stat status = {};
  if (fstat(slave.get(), &status) != 0 ||
      ((status.st_mode & 0777) != state.permissions && fchmod(slave.get(), state.permissions) != 0))
    return errno_error("cannot set the permissions of a pseudo-terminal");
  side.fd[0] = master.release();
  side.fd[1] = slave.release();
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  THAW_TRY(make_pair(o, file));
  const Opener::Side& side = o.sides[file.object];
  if (o.image.record<EndRecord>(file.payload)->slave != 0)
    return open_peer(side.fd[0], reopen_flags(file.flags));
  THAW_ASSIGN(fd, duplicate(side.fd[0]));
  THAW_TRY(set_status_flags(fd.get(), file.flags));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* end = view.record<EndRecord>(file.payload);
  if (end == nullptr || end->slave > 1 || end->by_name > end->slave ||
      file.object >= view.objects().size())
    return "a pseudo-terminal's record is broken";
  const model::Object& object = view.objects()[file.object];
  const auto* state = view.record<PairState>(object.content);
  if (object.kind != model::ObjectKind::pty || state == nullptr || state->packets > 1 ||
      (state->permissions & ~0777u) != 0 || !valid_string(view, object.name))
    return "a pseudo-terminal's pair is broken";
  return nullptr;
}

}  // namespace

bool is_slave_of_own(const Collector& c, const Probe& p) {
  return (is_slave(p) || is_by_name(p)) && master_of(c, p) != nullptr;
}

bool is_controlling_terminal(const model::OpenFile& file, std::string_view payload) {
  EndRecord end;
  if (file.kind != kind_id(kPty) || payload.size() != sizeof(end)) return false;
  memcpy(&end, payload.data(), sizeof(end));
  return end.by_name != 0;
}

Result<void> take_controlling_terminal(int slave) {
  if (ioctl(slave, TIOCSCTTY, 0) != 0)
    return errno_error("cannot make a pseudo-terminal the controlling one of its session");
  return {};
}

Result<UniqueFd> open_controlling_terminal(const model::OpenFile& file) {
  return open_path("/dev/tty", reopen_flags(file.flags));
}

Result<void> collect_slave(Collector& c, const Probe& p, model::OpenFile& out) {
  const Probe& master = *master_of(c, p);
  return collect_end(c, p, master, *slave_of(c, master), out);
}

constinit const Kind kPty = {
    .name = "pseudo-terminal",
    .policy = {.type = kType, .actions = policy::kCloseOrIgnore},
    .match = THAW_CHECKPOINT(is_master),
    .collect = THAW_CHECKPOINT(collect_master),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
