// thaw-exec stands where exec stood. It becomes PROGRAM: from its image or, whatever is wrong with
// that, by a cold start.
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "exec/options.h"
#include "exec/program.h"
#include "exec/signature.h"
#include "launch/fallback.h"
#include "launch/launch.h"
#include "launch/prepare/keep_pid.h"
#include "restorer/cold_start.h"
#include "store/store.h"
#include "support/clock.h"
#include "support/file.h"
#include "support/time_namespace.h"

#ifndef THAW_VERSION
#define THAW_VERSION "0"
#endif

extern char** environ;

namespace thaw::exec {
namespace {

constexpr int kOwnError = 125;

uint32_t log_level() {
  const char* level = getenv("THAW_LOG");
  if (level == nullptr) return 0;
  uint32_t number = 0;
  for (const char* name : restorer::kLogLevels) {
    ++number;
    if (strcmp(level, name) == 0) return number;
  }
  return 0;
}

/// THAW_FEED=off is for measurements, THAW_FEED=record for training.
launch::Feed feed() {
  const char* feed = getenv("THAW_FEED");
  if (feed == nullptr) return launch::Feed::on;
  if (strcmp(feed, "off") == 0) return launch::Feed::off;
  return strcmp(feed, "record") == 0 ? launch::Feed::record : launch::Feed::on;
}

/// THAW_FILTER=try: who wrote the filter of system calls says that it allows a child process.
bool may_try_filter() {
  const char* filter = getenv("THAW_FILTER");
  return filter != nullptr && strcmp(filter, "try") == 0;
}

void say(const char* format, const char* a, const char* b) {
  fprintf(stderr, format, a, b);
  fputc('\n', stderr);
}

/// With rights that its caller has not, whoever chose the image, the store or the environment would
/// hand these rights to whatever is in the image: none of them is looked at.
int start_without_image(const Options& options) {
  if (options.fallback) start_cold(options.command[0], options.command);
  say("thaw-exec: %s; %s", "it has rights that its caller has not (set-user-id, file capabilities)",
      "take them from it: no image may carry them");
  return kOwnError;
}

/// The rest of a launch that was given up when its time namespace could not be left any more.
[[noreturn]] void start_in_time_namespace(const Options& options) {
  {
    const UniqueFd callers(atoi(options.time_namespace));
    leave_time_namespace(callers);
  }
  start_cold(options.command[0], options.command);
}

/// Returns if no launch from these images was possible, which it has told of then.
void launch_warm(launch::ExecCall call, const std::vector<std::string>& images) {
  const std::string* stale = nullptr;
  std::string why;
  for (size_t i = 0; i < images.size(); ++i) {
    call.image = images[i].c_str();
    // With keep_pid, a launch that was given up leaves a stand-in, which can only start cold.
    call.has_others = i + 1 < images.size() && !call.keep_pid;
    if (call.log >= restorer::kLogDebug)
      say("thaw-exec: %s: launching from %s", call.program, call.image);
    const Error reason = launch::launch(call);
    launch::tell_of_fallback(call, reason);
    if (!call.has_others || launch::has_stand_in()) break;
    if (!reason.stale || stale != nullptr) continue;
    stale = &images[i];
    why = reason.what();
  }
  if (stale != nullptr) store::ask_for_rebuild(*stale, call.stores, why);
}

launch::ExecCall call_of(const Options& options, uint32_t log, uint64_t started_ns) {
  launch::ExecCall call;
  call.argv = options.command;
  call.envp = environ;
  call.fallback = options.fallback;
  call.keep_pid = options.keep_pid;
  call.any_inputs = options.any_inputs;
  call.says_ready = options.notify;
  call.from_store = options.image == nullptr;
  call.stores = options.stores();
  call.tries_filter = may_try_filter();
  call.feed = feed();
  call.log = log;
  call.started_ns = started_ns;
  call.check_signature = check_signature;
  return call;
}

std::vector<std::string> images_of(const Options& options, const std::string& program,
                                   const std::string& folder) {
  if (options.image != nullptr) return {options.image};
  return store::find_images(options.stores(), options.profile,
                            {program.c_str(), options.command, folder});
}

int run(int argc, char** argv) {
  const auto started_ns = static_cast<uint64_t>(clock_ns(CLOCK_REALTIME));
  auto parsed = parse_options(argc, argv);
  if (!parsed) {
    say("thaw-exec: %s%s", parsed.error().text().c_str(), "");
    return kOwnError;
  }
  const Options options = parsed.take();
  if (options.help || options.version) {
    fputs(options.help ? kUsage : "thaw-exec " THAW_VERSION "\n", stdout);
    return 0;
  }
  if (options.fallback) set_cold_start(options.command);
  if (getauxval(AT_SECURE) != 0) return start_without_image(options);
  if (options.time_namespace != nullptr) start_in_time_namespace(options);
  const uint32_t log = log_level();
  const std::string program = find_program(options.command[0]);
  if (program.empty())
    start_cold(options.command[0], options.command);  // Says what exec would say.

  const std::string folder = current_folder();
  const std::vector<std::string> images = images_of(options, program, folder);
  if (images.empty()) {
    if (log >= restorer::kLogInfo)
      say("thaw-exec: %s: there is no image%s", program.c_str(), "; starting cold");
  } else {
    launch::ExecCall call = call_of(options, log, started_ns);
    call.program = program.c_str();
    call.folder = folder.c_str();
    launch_warm(call, images);
  }
  if (!options.fallback) {
    if (images.empty()) say("thaw-exec: %s: there is no image%s", program.c_str(), "");
    return kOwnError;
  }
  start_cold(options.command[0], options.command);
}

}  // namespace
}  // namespace thaw::exec

int main(int argc, char** argv) {
  return thaw::exec::run(argc, argv);
}
