#include "exec/options.h"

#include <cstring>

#include "launch/exec_call.h"

namespace thaw::exec {

const char* const kUsage =
    "usage: thaw-exec [options] [--] PROGRAM [ARGS...]\n"
    "\n"
    "Becomes PROGRAM as exec would: warm, from its image in the store, or else by a cold start.\n"
    "\n"
    "  --store DIR      look for images in DIR ($THAW_STORE, else /var/lib/thaw and the user's "
    "own);\n"
    "                   of several, with a colon between two, the first image that does is "
    "launched\n"
    "  --profile NAME   use the image of this profile, instead of looking it up by PROGRAM and "
    "ARGS\n"
    "  --image FILE     use this image\n"
    "  --no-fallback    never start cold: exit 125 if the launch is not possible\n"
    "  --notify         say READY=1 to $NOTIFY_SOCKET for the app once it is launched\n"
    "  --keep-pid       give the app the pid that it had when the image was made (needs "
    "privileges)\n"
    "  --help, --version\n"
    "\n"
    "THAW_LOG=warn|info|debug|trace says on stderr why a start was cold. Exit status: the app's; "
    "126 if PROGRAM cannot\n"
    "be executed, 127 if there is none, 125 for an error of thaw-exec itself.\n";

namespace {

/// An argument and the one behind it, null at the end.
struct Argument {
  const char* text;
  const char* next;
};

/// The value of an option, "--name VALUE" or "--name=VALUE", and whether it was the next argument;
/// null for others.
const char* value_of(const char* name, const Argument& argument, bool& took_next) {
  const size_t size = strlen(name);
  if (strncmp(argument.text, name, size) != 0) return nullptr;
  if (argument.text[size] == '=') return argument.text + size + 1;
  if (argument.text[size] != '\0') return nullptr;
  took_next = argument.next != nullptr;
  return argument.next;
}

bool take_flag(Options& options, const char* argument) {
  struct Flag {
    const char* name;
    bool Options::*member;
    bool value;
  };
  static constexpr Flag kFlags[] = {{"--no-fallback", &Options::fallback, false},
                                    {"--notify", &Options::notify, true},
                                    {"--keep-pid", &Options::keep_pid, true},
                                    {launch::kAnyInputs, &Options::any_inputs, true},
                                    {"--help", &Options::help, true},
                                    {"--version", &Options::version, true}};
  for (const Flag& flag : kFlags) {
    if (strcmp(argument, flag.name) != 0) continue;
    options.*flag.member = flag.value;
    return true;
  }
  return false;
}

bool take_value(Options& options, const Argument& argument, bool& took_next) {
  struct Value {
    const char* name;
    const char* Options::*member;
  };
  if (const char* text = value_of("--store", argument, took_next)) {
    options.store = options.store ? *options.store + ':' + text : text;
    return true;
  }
  static constexpr Value kValues[] = {{"--profile", &Options::profile},
                                      {"--image", &Options::image},
                                      {launch::kLeaveTimeNamespace, &Options::time_namespace}};
  for (const Value& value : kValues) {
    if (const char* text = value_of(value.name, argument, took_next)) {
      options.*value.member = text;
      return true;
    }
  }
  return false;
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  int i = 1;
  for (; i < argc && argv[i][0] == '-'; ++i) {
    if (strcmp(argv[i], "--") == 0) {
      ++i;
      break;
    }
    const Argument argument = {argv[i], i + 1 < argc ? argv[i + 1] : nullptr};
    bool took_next = false;
    if (!take_flag(options, argument.text) && !take_value(options, argument, took_next))
      return Error{0, std::string("unknown option or missing value: ") + argv[i], "see --help"};
    if (took_next) ++i;
  }
  options.command = argv + i;
  if (!options.help && !options.version && *options.command == nullptr)
    return Error{0, "no PROGRAM given", "see --help"};
  if (options.any_inputs && options.image == nullptr)
    return Error{0, std::string(launch::kAnyInputs) + " without --image", "see --help"};
  return options;
}

}  // namespace thaw::exec
