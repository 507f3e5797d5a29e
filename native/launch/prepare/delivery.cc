#include "launch/prepare/delivery.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/environment.h"
#include "restorer/members.h"
#include "support/app_call.h"

namespace thaw::launch {
namespace {

/// The strings one behind the other.
void copy_strings(char* const* strings, Arena& arena, uint64_t& address, uint64_t& size) {
  address = arena.next();
  for (; *strings != nullptr; ++strings) arena.copy(*strings);
  size = arena.next() - address;
}

template <typename T>
uint64_t address_of(const T* pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

/// An array of pointers to `count` strings that stand one behind the other, ended by null.
uint64_t point_at(uint64_t strings, char* const* originals, Arena& arena) {
  size_t count = 0;
  while (originals[count] != nullptr) ++count;
  const char** pointers = arena.allocate<const char*>(count + 1);
  if (pointers == nullptr) return 0;
  for (size_t i = 0; i < count; ++i) {
    pointers[i] = reinterpret_cast<const char*>(static_cast<uintptr_t>(strings));
    strings += strlen(originals[i]) + 1;
  }
  pointers[count] = nullptr;
  return address_of(pointers);
}

uint64_t ignored_signals(const restorer::Tree* tree) {
  // A launch of several processes has to hear of their ends meanwhile.
  uint64_t ignored = tree != nullptr && tree->ignores_ends != 0 ? restorer::signal_bit(SIGCHLD) : 0;
  for (int number = 1; number <= SIGRTMAX; ++number) {
    struct sigaction action = {};
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      ignored |= uint64_t{1} << (number - 1);
  }
  return ignored;
}

std::vector<int32_t> kept_descriptors(const image::View& view) {
  std::vector<int32_t> kept;
  for (const model::Fd& fd : image::View::part(view.fds(), view.root_process().fds))
    if (fd.inherit > 2 && static_cast<uint32_t>(fd.inherit) == fd.number)
      kept.push_back(fd.inherit);
  return kept;
}

/// The caller's folder, which the app leaves.
uint64_t copy_folder(const Prepared& prepared, Arena& arena) {
  const bool leaves = (prepared.view.root_process().flags & model::kCwdMoved) != 0;
  const char* folder = prepared.call.folder;
  return leaves && *folder != '\0' ? address_of(arena.copy(folder)) : 0;
}

/// Asked only where the launch sets another one: a filter may kill for umask(2).
uint64_t callers_umask(const model::Process& process) {
  if ((process.flags & model::kOwnUmask) == 0) return ~uint64_t{0};
  const mode_t mask = umask(0);
  umask(mask);
  return mask;
}

uint64_t parent_death_signal() {
  int number = 0;
  return prctl(PR_GET_PDEATHSIG, &number) == 0 ? static_cast<uint64_t>(number) : 0;
}

/// The array; its strings are the copies at handover.environment, and the app's own.
void copy_environ(const ExecCall& call, const image::View& view, Arena& arena,
                  restorer::Handover& handover) {
  const model::Requirements& needs = view.requirements_record();
  const std::string_view own = view.bytes(needs.own);
  const std::string_view addresses = view.bytes(needs.own_strings);
  size_t count = addresses.size() / sizeof(uint64_t) + 1;
  for (char* const* entry = call.envp; *entry != nullptr; ++entry) ++count;
  auto* array = arena.allocate<uintptr_t>(count);
  handover.environ_array = reinterpret_cast<uintptr_t>(array);
  if (array == nullptr) return;  // Only counted.
  uint64_t string = handover.environment;
  for (char* const* entry = call.envp; *entry != nullptr; ++entry) {
    if (!image::is_listed(own, image::name_of(*entry))) *array++ = static_cast<uintptr_t>(string);
    string += strlen(*entry) + 1;
  }
  for (size_t at = 0; at < addresses.size(); at += sizeof(uint64_t)) {
    uint64_t address = 0;
    memcpy(&address, addresses.data() + at, sizeof(address));
    *array++ = static_cast<uintptr_t>(address);
  }
  *array = 0;
}

/// What the app asks for (include/thaw.h). The record of a late cold start lies right before the
/// arguments.
void copy_answers(const Prepared& prepared, Arena& arena, restorer::Handover& handover) {
  const ExecCall& call = prepared.call;
  const std::vector<int32_t> kept = kept_descriptors(prepared.view);
  LateColdStart cold = {};
  if (call.fallback) cold.program = address_of(arena.copy(call.program));
  cold.cwd = copy_folder(prepared, arena);
  cold.kept = address_of(arena.copy(std::span<const int32_t>(kept)));
  cold.kept_count = kept.size();
  // The restorer tells which they are.
  cold.member_count = prepared.view.processes().size() - 1;
  cold.members = address_of(arena.allocate<uint32_t>(cold.member_count));
  auto* place = arena.allocate<LateColdStart>(1);
  copy_strings(call.argv, arena, handover.arguments, handover.arguments_size);
  copy_strings(call.envp, arena, handover.environment, handover.environment_size);
  cold.argv = point_at(handover.arguments, call.argv, arena);
  cold.envp = point_at(handover.environment, call.envp, arena);
  if (place == nullptr) return;  // Only counted.
  cold.umask = callers_umask(prepared.view.root_process());
  cold.parent_death_signal = parent_death_signal();
  cold.watcher = static_cast<uint64_t>(prepared.guard.watcher());
  cold.terminal = LateColdStart::kNone;  // Until the restorer knows.
  cold.signal_mask = prepared.signals.callers_mask();
  cold.ignored = ignored_signals(prepared.tree.record());
  *place = cold;
}

}  // namespace

void copy_delivery(const Prepared& prepared, Arena& arena, restorer::Handover& handover) {
  const ExecCall& call = prepared.call;
  if (handover.call_address != 0)
    copy_answers(prepared, arena, handover);
  else if (handover.environ_address != 0)
    copy_strings(call.envp, arena, handover.environment, handover.environment_size);
  if (handover.environ_address != 0) copy_environ(call, prepared.view, arena, handover);
}

}  // namespace thaw::launch
