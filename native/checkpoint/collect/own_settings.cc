// What the app has set for itself of what exec takes from the caller: a launch sets it again. Of an
// app that thaw has not started nobody knows what it was given; what thaw has stands for it.
#include <array>
#include <set>

#include "checkpoint/collect/collect.h"
#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

constexpr const char* kRights[] = {"CapBnd:", "CapInh:", "CapAmb:", "Groups:"};

/// By RLIMIT_* number; the three CPUs number them alike.
constexpr std::array kLimits = {
    "RLIMIT_CPU",      "RLIMIT_FSIZE", "RLIMIT_DATA",   "RLIMIT_STACK",
    "RLIMIT_CORE",     "RLIMIT_RSS",   "RLIMIT_NPROC",  "RLIMIT_NOFILE",
    "RLIMIT_MEMLOCK",  "RLIMIT_AS",    "RLIMIT_LOCKS",  "RLIMIT_SIGPENDING",
    "RLIMIT_MSGQUEUE", "RLIMIT_NICE",  "RLIMIT_RTPRIO", "RLIMIT_RTTIME"};

bool is_of_user(std::string_view key) {
  return key == "CapAmb:" || key == "Groups:";
}

/// The kernel lets nobody take these back, and a launch would have its caller's.
Result<void> check_since_start(pid_t pid, const proc::Given& before, const proc::Given& now) {
  for (const char* key : kRights) {
    if (is_of_user(key) && before.new_user) continue;
    const std::string_view given = line_value(before.status, key),
                           own = line_value(now.status, key);
    if (given == own) continue;
    return proc::refuse(pid,
                        "has changed its rights: " + std::string(key) + " " + std::string(own) +
                            ", which was " + std::string(given) + " when it was started",
                        "let its caller do that (CapabilityBoundingSet=, AmbientCapabilities= and "
                        "SupplementaryGroups= of systemd, setpriv), or the app after the "
                        "checkpoint");
  }
  return {};
}

std::string_view effective_id(std::string_view status, const char* key) {
  const auto ids = split(line_value(status, key), "\t ");  // Real, effective, saved, file system.
  return ids.size() < 2 ? std::string_view() : ids[1];
}

bool same_user(const proc::Given& a, const proc::Given& b) {
  return effective_id(a.status, "Uid:") == effective_id(b.status, "Uid:");
}

/// The group itself may be among the supplementary ones or not.
std::set<std::string_view> groups(std::string_view status) {
  const auto list = split(line_value(status, "Groups:"), " ");
  std::set<std::string_view> groups(list.begin(), list.end());
  groups.insert(effective_id(status, "Gid:"));
  return groups;
}

bool same_right(std::string_view key, const proc::Given& a, const proc::Given& b) {
  if (key == "Groups:") return groups(a.status) == groups(b.status);
  return line_value(a.status, key) == line_value(b.status, key);
}

/// Another user has other groups and ambient capabilities.
Result<void> check_like_own(pid_t pid, const proc::Given& own, const proc::Given& app) {
  for (const char* key : kRights) {
    if ((is_of_user(key) && !same_user(own, app)) || same_right(key, own, app)) continue;
    return proc::refuse(
        pid,
        "has other rights than thaw, which has not started it: " + std::string(key) + " " +
            std::string(line_value(app.status, key)) + ", not " +
            std::string(line_value(own.status, key)) +
            "; whether it has changed them itself, and a launch would have them back, cannot "
            "be told",
        "let `thaw build` start the app");
  }
  return {};
}

/// No hard limit of its own: the caller's. A soft limit that was raised to the hard one follows
/// the caller's, too.
model::Limit own_limit(const proc::Limit& before, const proc::Limit& now) {
  model::Limit limit;
  if (now.hard < before.hard) limit.hard = now.hard;
  if (now.soft != now.hard) limit.soft = now.soft;
  return limit;
}

void set_umask(model::Process& record, const proc::Given& now) {
  record.flags |= model::kOwnUmask;
  record.umask = static_cast<uint32_t>(number(line_value(now.status, "Umask:"), 8));
}

void set_limit(model::Process& record, size_t resource, const proc::Limit& before,
               const proc::Limit& now) {
  record.own_limits |= 1u << resource;
  record.limits[resource] = own_limit(before, now);
}

void collect_changes(const proc::Given& before, const proc::Given& now, model::Process& record) {
  if (line_value(now.status, "Umask:") != line_value(before.status, "Umask:"))
    set_umask(record, now);
  for (size_t i = 0; i < now.limits.size(); ++i)
    if (before.limits[i] != now.limits[i]) set_limit(record, i, before.limits[i], now.limits[i]);
  if (now.oom_score_adj == before.oom_score_adj) return;
  record.flags |= model::kOwnOomScore;
  record.oom_score_adj = now.oom_score_adj;
}

/// What an app has that thaw has not started: what allows it less than thaw has is set again, since
/// the app may have done that for its safety; the rest is only told.
class Differences {
 public:
  Differences(const proc::Given& own, const proc::Given& app, model::Process& record)
      : own_(own), app_(app), record_(record) {}

  std::vector<std::string> collect() {
    compare_umask();
    for (size_t i = 0; i < app_.limits.size(); ++i) compare_limit(i);
    if (app_.nice != own_.nice)
      note("nice value " + std::to_string(app_.nice), std::to_string(own_.nice), false);
    if (app_.io_priority != own_.io_priority)
      note("I/O priority " + std::to_string(app_.io_priority), std::to_string(own_.io_priority),
           false);
    if (CPU_EQUAL(&app_.cpus, &own_.cpus) == 0) note("CPUs", "others", false);
    if (!same_user(own_, app_) && record_.credentials == model::kNone)
      warnings_.push_back(
          "the app is not thaw's user, and thaw has not started it: whether it has changed its "
          "groups and ambient capabilities itself cannot be told; a launch has its caller's");
    return std::move(warnings_);
  }

 private:
  void compare_umask() {
    const std::string_view app = line_value(app_.status, "Umask:"),
                           own = line_value(own_.status, "Umask:");
    if (app == own) return;
    const uint64_t forbids = number(app, 8), thaws = number(own, 8);
    const bool lower = (forbids & thaws) == thaws;
    if (lower) set_umask(record_, app_);
    note("umask " + std::string(app), std::string(own), lower);
  }

  void compare_limit(size_t i) {
    const proc::Limit &app = app_.limits[i], &own = own_.limits[i];
    if (app == own) return;
    const bool lower = app.hard < own.hard || (app.hard == own.hard && app.soft < own.soft);
    if (lower) set_limit(record_, i, own, app);
    note(std::string(kLimits[i]) + " " + text(app), text(own), lower);
  }

  static std::string text(const proc::Limit& limit) {
    auto value = [](uint64_t n) { return n == ~uint64_t{0} ? "unlimited" : std::to_string(n); };
    return value(limit.soft) + ":" + value(limit.hard);
  }

  void note(const std::string& what, const std::string& own, bool set_again) {
    warnings_.push_back("the app has " + what + ", thaw has " + own +
                        ", and thaw has not started the app: each launch " +
                        (set_again ? "sets the app's again" : "has its caller's"));
  }

  const proc::Given& own_;
  const proc::Given& app_;
  model::Process& record_;
  std::vector<std::string> warnings_;
};

}  // namespace

Result<void> check_own_rights(const Request& request, pid_t pid) {
  THAW_ASSIGN(now, proc::read_given(pid));
  if (request.given) return check_since_start(pid, *request.given, now);
  THAW_ASSIGN(own, proc::read_own_given());
  return check_like_own(pid, own, now);
}

Result<void> collect_own_settings(Capture& capture, ProcessCapture& process) {
  // A member's are the root's, or its own (collect_credentials).
  if (capture.is_root(process)) THAW_TRY(check_own_rights(capture.request, process.pid));
  THAW_ASSIGN(now, proc::read_given(process.pid));
  if (capture.request.given) {
    collect_changes(*capture.request.given, now, process.record);
    return {};
  }
  THAW_ASSIGN(own, proc::read_own_given());
  for (std::string& warning : Differences(own, now, process.record).collect())
    capture.warnings.push_back(std::move(warning));
  return {};
}

}  // namespace thaw::checkpoint
