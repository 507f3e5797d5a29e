// What the app has set for itself of what exec takes from the caller: a launch sets it again.
#include "checkpoint/collect/collect.h"
#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

/// The kernel lets nobody take these back, and a launch would have its caller's.
Result<void> check_rights(pid_t pid, const proc::Given& before, const proc::Given& now) {
  for (const char* key : {"CapBnd:", "CapInh:", "CapAmb:", "Groups:"}) {
    const std::string_view key_name = key;
    const bool of_user = key_name == "CapAmb:" || key_name == "Groups:";
    if (of_user && before.new_user) continue;
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

/// No hard limit of its own: the caller's. A soft limit that was raised to the hard one follows
/// the caller's, too.
model::Limit own_limit(const proc::Limit& before, const proc::Limit& now) {
  model::Limit limit;
  if (now.hard < before.hard) limit.hard = now.hard;
  if (now.soft != now.hard) limit.soft = now.soft;
  return limit;
}

}  // namespace

Result<void> collect_own_settings(const Capture& capture, ProcessCapture& process) {
  if (!capture.request.given) return {};
  const proc::Given& before = *capture.request.given;
  THAW_ASSIGN(now, proc::read_given(process.pid));
  THAW_TRY(check_rights(process.pid, before, now));
  model::Process& record = process.record;
  const std::string_view mask = line_value(now.status, "Umask:");
  if (mask != line_value(before.status, "Umask:")) record.flags |= model::kOwnUmask;
  record.umask = static_cast<uint32_t>(number(mask, 8));
  if (now.oom_score_adj != before.oom_score_adj) record.flags |= model::kOwnOomScore;
  record.oom_score_adj = now.oom_score_adj;
  for (size_t i = 0; i < now.limits.size(); ++i) {
    if (before.limits[i] == now.limits[i]) continue;
    record.own_limits |= 1u << i;
    record.limits[i] = own_limit(before.limits[i], now.limits[i]);
  }
  return {};
}

}  // namespace thaw::checkpoint
