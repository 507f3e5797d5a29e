#include "proc/check_tree.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <map>
#include <set>

#include "proc/credentials.h"
#include "proc/next_pid.h"
#include "proc/pts.h"
#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::proc {
namespace {

std::string title(pid_t pid) {
  return std::to_string(pid) + " (" + name_of(pid) + ")";
}

/// What members have from the root, by file of /proc/PID: a launch makes all of them where its caller is.
constexpr struct {
  const char* file;
  const char* what;
  const char* remedy;
} kPlaces[] = {
    {"cgroup", "in another cgroup",
     "let the app put its processes into cgroups after the checkpoint, or its caller put all of it "
     "into one (Slice= of systemd)"},
    {"attr/current", "in another security context",
     "let the app change it after the checkpoint, or its caller before, for all of it"}};

constexpr struct {
  int type;
  const char* what;
} kShared[] = {{KCMP_VM, "memory (vfork, or clone with CLONE_VM)"},
               {KCMP_FILES, "table of descriptors (CLONE_FILES)"},
               {KCMP_FS, "working directory, root and umask (CLONE_FS)"},
               {KCMP_SIGHAND, "signal actions (CLONE_SIGHAND)"}};

class TreeCheck {
 public:
  TreeCheck(const Members& members, Ids ids) : members_(members), ids_(ids) {
    for (const auto& pids : {members.running, members.ended})
      for (const pid_t pid : pids)
        if (const auto kin = read_kinship(pid)) kin_[pid] = kin.value();
  }

  std::vector<Error> run() {
    const auto& running = members_.running;
    for (size_t i = 1; i < running.size(); ++i) {
      add(check_rights(running[i]));
      add(check_places(running[i]));
      add(check_clocks(running[i]));
    }
    add(check_comparable());
    for (const pid_t pid : running) check_shared(pid);
    for (const auto& [pid, kin] : kin_) {
      if (pid == root()) continue;
      add(check_session(pid, kin));
      add(check_group(pid, kin));
      add(check_terminal(pid, kin));
    }
    add(check_ids());
    return std::move(found_);
  }

 private:
  [[nodiscard]] pid_t root() const { return members_.running.front(); }

  void add(const Result<void>& result) {
    if (!result) found_.push_back(result.error());
  }

  /// A member may have given rights up, which a launch does again.
  Result<void> check_rights(pid_t pid) const {
    const auto own = read_credentials(pid), main = read_credentials(root());
    if (!own || !main) return {};
    auto given_up = check_given_up(pid, own.value(), main.value());
    return given_up ? std::move(given_up) : of_member(given_up.error(), pid);
  }

  Result<void> check_places(pid_t pid) const {
    for (const auto& [file, what, remedy] : kPlaces) {
      const auto of = [file = file](pid_t one) {
        return read_file("/proc/" + std::to_string(one) + "/" + file);
      };
      const auto own = of(pid), main = of(root());
      if (!own || !main || own.value() == main.value()) continue;
      return of_member(
          refuse(pid,
                 std::string("is ") + what + " than the process that it descends from, " +
                     title(root()) + ": " + differing_line(own.value(), main.value()),
                 remedy),
          pid);
    }
    return {};
  }

  /// The first of `own` that is not in `main`.
  static std::string differing_line(std::string_view own, std::string_view main) {
    const auto known = split(main, "\n");
    for (const std::string_view line : split(own, "\n"))
      if (std::find(known.begin(), known.end(), line) == known.end()) return std::string(line);
    return std::string(trim(own));
  }

  /// A launch makes one time namespace for all.
  [[nodiscard]] Result<void> check_clocks(pid_t pid) const {
    const auto of = [](pid_t one) {
      return read_link("/proc/" + std::to_string(one) + "/ns/time");
    };
    const auto own = of(pid), main = of(root());
    if (!own || !main || own.value() == main.value()) return {};
    return of_member(
        refuse(pid,
               "is in another time namespace than the process that it descends from, " +
                   title(root()) + ", and would have its clocks",
               "let its caller make the namespace, for all of the app"),
        pid);
  }

  /// CONFIG_KCMP: without it nothing tells what processes share.
  [[nodiscard]] Result<void> check_comparable() const {
    if (syscall(SYS_kcmp, root(), root(), KCMP_VM, 0, 0) == 0 || errno == ESRCH) return {};
    return refuse(
        root(),
        std::string("is one of several, and what they share cannot be told (kcmp(2): ") +
            strerror(errno) + ")",
        "use a kernel with CONFIG_KCMP, and no filter of system calls (a container's) that "
        "forbids kcmp(2); or checkpoint the app while it is one process");
  }

  /// By the kernel's order (kcmp(2)): to compare each with each takes seconds where there are
  /// thousands.
  void check_shared(pid_t pid) {
    for (size_t i = 0; i < std::size(kShared); ++i) {
      constexpr long kLess = 1;
      const auto compare = [type = kShared[i].type](pid_t one, pid_t other) {
        return syscall(SYS_kcmp, one, other, type, 0, 0);
      };
      std::vector<pid_t>& known = ordered_[i];
      const auto place = std::lower_bound(
          known.begin(), known.end(), pid,
          [&compare](pid_t one, pid_t other) { return compare(one, other) == kLess; });
      if (place != known.end() && compare(*place, pid) == 0 && !is_exiting(pid, pid))
        add(refuse_shared(*place, pid, kShared[i].what));
      else
        known.insert(place, pid);
    }
  }

  static Error refuse_shared(pid_t one, pid_t other, const char* what) {
    return of_member(refuse(other,
                            std::string("shares its ") + what + " with process " + title(one) +
                                ", of which it is no thread",
                            "take the checkpoint before that or, after a vfork, later (lengthen "
                            "`settle`); else let the app make this process by fork(2)"),
                     other);
  }

  [[nodiscard]] const Kinship* find(pid_t pid) const {
    const auto found = kin_.find(pid);
    return found == kin_.end() ? nullptr : &found->second;
  }

  /// A launch makes each process by its parent, before or after that begins its own session.
  Result<void> check_session(pid_t pid, const Kinship& kin) const {
    const Kinship* parent = find(kin.parent);
    if (kin.session == pid || parent == nullptr || kin.session == parent->session) return {};
    const Kinship* before = parent->session == kin.parent ? find(parent->parent) : nullptr;
    if (before != nullptr && kin.session == before->session) return {};
    const Kinship* leader = find(kin.session);
    return of_member(
        refuse(pid,
               "is in session " + std::to_string(kin.session) + ", " +
                   (leader == nullptr ? "whose leader has ended or is no part of the app"
                                      : "which a launch could not have it join") +
                   ", and its parent is not",
               "let the app begin it by fork(2) from the process that leads its session, which "
               "has to live, or by setsid(2)"),
        pid);
  }

  Result<void> check_group(pid_t pid, const Kinship& kin) const {
    const Kinship* main = find(root());
    if (main == nullptr || kin.group == main->group || find(kin.group) != nullptr) return {};
    return of_member(refuse(pid,
                            "is in process group " + std::to_string(kin.group) +
                                ", whose leader has ended or is no part of the app",
                            "let the app keep the group's first process until the checkpoint, or "
                            "wait for it only when the others have ended"),
                     pid);
  }

  /// Of a session that begins within the app. That of the caller is the caller's affair.
  Result<void> check_terminal(pid_t pid, const Kinship& kin) {
    if (kin.terminal == 0 || kin.state == 'Z' || kin.session != pid) return {};
    if (masters_.empty()) find_masters();
    const auto number = pts_number(static_cast<uint32_t>(kin.terminal));
    if (number && masters_.contains(*number)) return {};
    return of_member(
        refuse(pid,
               "has a controlling terminal in a session of its own whose other end is not the "
               "app's, and which no launch gives it",
               "let the app give it the terminal (TIOCSCTTY) after the checkpoint"),
        pid);
  }

  /// Pseudo-terminals whose masters the app has open, by their number (proc_pid_fdinfo(5)).
  void find_masters() {
    for (const pid_t pid : members_.running) {
      const std::string folder = "/proc/" + std::to_string(pid);
      const auto numbers = numeric_entries(folder + "/fdinfo");
      if (!numbers) continue;
      for (const int number_ : numbers.value()) {
        const auto link = read_link(folder + "/fd/" + std::to_string(number_));
        if (!link || !link.value().ends_with("ptmx")) continue;
        const auto info = read_file(folder + "/fdinfo/" + std::to_string(number_));
        if (info)
          masters_.insert(static_cast<uint32_t>(number(line_value(info.value(), "tty-index:"))));
      }
    }
  }

  /// They know each other by number, and what a launch does not correct would hit a stranger.
  [[nodiscard]] Result<void> check_ids() const {
    if (kin_.size() < 2 || ids_ == Ids::kept) return {};
    for (const auto& [pid, kin] : kin_) {
      if (is_telling_id(static_cast<uint32_t>(pid))) continue;
      Error error = of_member(
          refuse(
              pid,
              "is one of several of the app, which may keep its pid to send it signals or to "
              "wait for it, and that number cannot be told from others in their memory (it is "
              "small, or has few bits set), so that a launch could not correct it",
              "build its profile as root (thaw build, with inputs.watch = true): then each "
              "process of the warm-up gets a pid that can be told; if it is so, build again; where "
              "no pid is that large (32-bit kernels), launch.pids = \"namespace\" gives each "
              "launch "
              "those of the build"),
          pid);
      error.by_chance = can_choose_pids();  // Somebody else has made a process in between.
      return error;
    }
    return {};
  }

  const Members& members_;
  const Ids ids_;
  std::map<pid_t, Kinship> kin_;
  std::array<std::vector<pid_t>, std::size(kShared)> ordered_;  ///< of each sort, none twice
  std::set<uint32_t> masters_;
  std::vector<Error> found_;
};

}  // namespace

std::vector<Error> tree_refusals(const Members& members, Ids ids) {
  if (members.running.size() + members.ended.size() < 2) return {};
  return TreeCheck(members, ids).run();
}

}  // namespace thaw::proc
