#include "launch/guard/guard.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <string>

#include "launch/guard/watcher.h"
#include "support/silent_child.h"

namespace thaw::launch {
namespace {

/// How long one good launch stands for those that follow it.
constexpr int kTrustedSeconds = 60;

/// By the image's path; empty where there is no /proc, or no place for it.
std::string find_record(int image, const char* stores) {
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(image);
  const ssize_t size = readlink(link.c_str(), path, sizeof(path));
  return size <= 0 ? std::string() : store::deaths_path({path, static_cast<size_t>(size)}, stores);
}

/// The first process of a container takes the watcher in, and may be no init that waits for it.
bool in_container() {
  constexpr std::string_view kFirst = "pid:[4026531836]";  // PROC_PID_INIT_INO of the kernel
  char name[32];
  const ssize_t size = readlink("/proc/self/ns/pid", name, sizeof(name));
  return size <= 0 || std::string_view(name, static_cast<size_t>(size)) != kFirst;
}

/// Who takes in processes whose parents are gone would have to wait for the watcher.
bool adopts_orphans() {
  int subreaper = 0;
  return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper != 0);
}

Error set_aside(const store::Deaths& deaths, std::string_view profile) {
  std::string what = "the last " + std::to_string(deaths.count) +
                     " launches of this image died early (" + store::text_of(deaths.last).bytes +
                     "), so it is set aside";
  std::string remedy = "thaw rebuild ";
  remedy += profile;
  return Error{0, std::move(what), std::move(remedy), deaths.aside};
}

}  // namespace

Guard::~Guard() {
  settle();
  if (watcher_ > 0) kill(-watcher_, SIGKILL);
}

Result<void> Guard::begin(const image::View& view, const ExecCall& call) {
  if (!call.from_store || view.requirements_record().guard_tries == 0) return {};
  const store::GoodPath good = store::good_path(view.header().id);
  return store::was_good(good, kTrustedSeconds) ? Result<void>() : watch(view, call, good);
}

Result<void> Guard::watch(const image::View& view, const ExecCall& call,
                          const store::GoodPath& good) {
  const model::Requirements& needs = view.requirements_record();
  Watched watched;
  watched.good = good;
  watched.metadata = {view.base(), static_cast<size_t>(view.header().metadata_size)};
  watched.within_ms = needs.guard_within_ms;
  watched.record = find_record(view.fd(), call.stores);
  if (watched.record.empty()) return {};
  watched.deaths = store::read_deaths(watched.record.c_str());
  watched.cold = watched.deaths.count >= needs.guard_tries;
  const bool decided = watched.cold && (watched.deaths.aside || !call.fallback);
  if (!decided && !adopts_orphans() && !in_container()) watcher_ = start_watcher(watched);
  if (!watched.cold) return {};
  settle();
  watcher_ = 0;  // It stays beside the cold start.
  return set_aside(watched.deaths, view.bytes(needs.profile));
}

void Guard::settle() {
  if (watcher_ <= 0 || settled_) return;
  await_silent(watcher_);
  settled_ = true;
}

}  // namespace thaw::launch
