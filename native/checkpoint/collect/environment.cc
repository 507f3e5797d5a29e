// The app's environment: which of its variables a launch must find again, and what the app has made
// of it.
#include "image/environment.h"

#include <sys/mman.h>

#include <algorithm>
#include <set>

#include "checkpoint/collect/collect.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

using model::EnvironmentRule;

/// Differ at every start, and nothing that is warm can depend on them (docs/environment.md).
constexpr const char* kNeverInputs[] = {"THAW_*",
                                        "INVOCATION_ID",
                                        "JOURNAL_STREAM",
                                        "NOTIFY_SOCKET",
                                        "MANAGERPID",
                                        "SYSTEMD_EXEC_PID",
                                        "WATCHDOG_PID",
                                        "SHLVL",
                                        "PWD",
                                        "OLDPWD",
                                        "_"};
/// What glibc's loader reads itself, before anybody can watch.
constexpr const char* kLoaderInputs[] = {"LD_*", "GLIBC_TUNABLES", "MALLOC_*"};

template <typename List>
std::string joined(const List& strings) {
  std::string bytes;
  for (const auto& s : strings) {
    bytes += s;
    bytes += '\0';
  }
  return bytes;
}

struct Variable {
  uint64_t address = 0;
  std::string text;
};

constexpr size_t kMostVariables = 1 << 16, kMostBytes = 16 << 20;

/// A string in the app's memory, read page by page.
Result<std::string> read_string(const ProcessCapture& process, size_t page, uint64_t address) {
  std::string text;
  while (text.size() < kMostBytes) {
    const uint64_t at = address + text.size();
    std::string part(page - at % page, '\0');
    THAW_TRY(process.memory.read(at, part.data(), part.size()));
    const size_t end = part.find('\0');
    text.append(part, 0, end);
    if (end != std::string::npos) return text;
  }
  return Error{0, "a variable of the app's environment has no end"};
}

/// Those that `array` points to.
Result<std::vector<Variable>> read_variables(const ProcessCapture& process, size_t page,
                                             uint64_t array) {
  std::vector<Variable> variables;
  for (uint64_t at = array; array != 0; at += sizeof(uintptr_t)) {
    uintptr_t string = 0;
    THAW_TRY(process.memory.read(at, &string, sizeof(string)));
    if (string == 0) break;
    if (variables.size() == kMostVariables) return Error{0, "the app's environment has no end"};
    THAW_ASSIGN(text, read_string(process, page, string));
    variables.push_back({string, std::move(text)});
  }
  return variables;
}

bool is_writable(const ProcessCapture& process, uint64_t address) {
  const Vma* vma = process.mapping(address);
  return vma != nullptr && !vma->shared && (vma->prot & PROT_WRITE) != 0 &&
         address % sizeof(uintptr_t) == 0;
}

/// What the app has set or removed itself, which no launch may undo.
void collect_own(Capture& capture, const std::string& started,
                 const std::vector<Variable>& variables, model::Requirements& needs) {
  std::set<std::string> own, present;
  std::string addresses;
  for (const Variable& variable : variables) {
    const std::string name(image::name_of(variable.text));
    present.insert(name);
    if (image::find_variable(started, name) == variable.text) continue;
    own.insert(name);
    addresses.append(reinterpret_cast<const char*>(&variable.address), sizeof(variable.address));
  }
  for (const std::string_view entry : image::Strings(started))
    if (const std::string name(image::name_of(entry)); !present.contains(name)) own.insert(name);
  needs.own = capture.image.blob(joined(own));
  needs.own_strings = capture.image.blob(addresses);
}

/// Nothing of what the app was started with is left: whatever the caller has, it would have removed.
bool is_emptied(const std::string& started, const std::vector<Variable>& variables) {
  return !started.empty() &&
         std::none_of(variables.begin(), variables.end(), [&started](const Variable& variable) {
           return image::find_variable(started, image::name_of(variable.text)) == variable.text;
         });
}

enum class Delivery {
  unknown,  ///< nobody knows where this app keeps its environment, or it may free what it has
  none,     ///< the app has emptied its environment
  all,
};

/// At its end, perl_destruct() frees an `environ` that is not the array of its start.
bool has_perl(const ProcessCapture& process) {
  return std::any_of(process.vmas.begin(), process.vmas.end(), [](const Vma& vma) {
    const std::string_view name = base_name(vma.path);
    return name == "perl" || name.starts_with("perl5") || name.starts_with("libperl.so");
  });
}

/// The app has made a copy of its environment, with strings of its own, and put that into the place of
/// the one of its start: it may free both, as php-fpm does at its end. libc (setenv(3)) leaves the strings
/// where they are.
bool is_own_copy(const ProcessCapture& process, const std::string& started, uint64_t array,
                 const std::vector<Variable>& variables) {
  const Vma* memory = process.mapping(array);
  return memory != nullptr && memory->path != "[stack]" &&
         std::any_of(variables.begin(), variables.end(), [&](const Variable& variable) {
           return process.mapping(variable.address) == memory &&
                  image::find_variable(started, image::name_of(variable.text)) == variable.text;
         });
}

/// Where the caller's environment will be put.
Delivery collect_delivery(Capture& capture, const std::string& started,
                          model::Requirements& needs) {
  const ProcessCapture& root = capture.root();
  if (has_perl(root)) return Delivery::unknown;
  const uint64_t address =
      root.lookups ? root.lookups->environ_address : lookups::find_environ(root.pid, root.vmas);
  if (address == 0 || !is_writable(root, address)) return Delivery::unknown;
  uintptr_t array = 0;
  if (!root.memory.read(address, &array, sizeof(array))) return Delivery::unknown;
  const auto variables = read_variables(root, capture.page_size, array);
  if (!variables || is_own_copy(root, started, array, variables.value())) return Delivery::unknown;
  if (is_emptied(started, variables.value())) return Delivery::none;
  collect_own(capture, started, variables.value(), needs);
  needs.environ_address = address;
  return Delivery::all;
}

EnvironmentRule exact_rule(const Capture& capture, Delivery delivery) {
  const auto& seen = capture.root().lookups;
  const bool known = seen && seen->complete && delivery != Delivery::unknown && !capture.is_tree();
  return known ? EnvironmentRule::looked_up : EnvironmentRule::all;
}

}  // namespace

Result<void> collect_environment(Capture& capture, model::Requirements& needs) {
  const Request& request = capture.request;
  std::string started = joined(request.started_with);
  if (started.empty()) {
    THAW_ASSIGN(shown, read_file("/proc/" + std::to_string(capture.root().pid) + "/environ"));
    started = std::move(shown);
  }
  needs.environment = capture.image.blob(started);
  needs.declared = capture.image.blob(joined(request.environment));
  if (request.environment_rule.empty() || request.environment_rule == "image") return {};
  needs.ignored = capture.image.blob(joined(kNeverInputs) + joined(request.ignored_variables));
  const Delivery delivery = collect_delivery(capture, started, needs);
  // Processes that the app has started have copies of their own, which nobody delivers to.
  if (request.environment_rule == "deliver" && !capture.is_tree()) {
    if (delivery == Delivery::unknown)
      return Error{0, "the caller's environment cannot be delivered to this app",
                   "set launch.env to \"exact\" or \"image\" in the profile"};
    needs.environment_rule = EnvironmentRule::deliver;
    return {};
  }
  needs.environment_rule = exact_rule(capture, delivery);
  if (needs.environment_rule == EnvironmentRule::looked_up)
    needs.inputs =
        capture.image.blob(joined(kLoaderInputs) + joined(capture.root().lookups->names));
  return {};
}

}  // namespace thaw::checkpoint
