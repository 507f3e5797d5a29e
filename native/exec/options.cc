#include "exec/options.h"

#include <cstring>

namespace thaw::exec {

const char* const kUsage =
    "usage: thaw-exec [options] [--] PROGRAM [ARGS...]\n"
    "\n"
    "Becomes PROGRAM as exec would: warm, from its image in the store, or else by a cold start.\n"
    "\n"
    "  --store DIR      look for images in DIR ($THAW_STORE, else /var/lib/thaw and the user's "
    "own)\n"
    "  --profile NAME   use the image of this profile, instead of looking it up by PROGRAM and "
    "ARGS\n"
    "  --image FILE     use this image\n"
    "  --no-fallback    never start cold: exit 125 if the launch is not possible\n"
    "  --keep-pid       give the app the pid that it had when the image was made (needs "
    "privileges)\n"
    "  --help, --version\n"
    "\n"
    "THAW_LOG=warn|info|debug|trace says on stderr why a start was cold. Exit status: the app's; "
    "126 if PROGRAM cannot\n"
    "be executed, 127 if there is none, 125 for an error of thaw-exec itself.\n";

namespace {

/// Takes the value of an option, "--name VALUE" or "--name=VALUE"; null if `argument` is another
/// option.
const char* value_of(const char* name, int argc, char** argv, int& i) {
  const size_t size = strlen(name);
  if (strncmp(argv[i], name, size) != 0) return nullptr;
  if (argv[i][size] == '=') return argv[i] + size + 1;
  if (argv[i][size] != '\0' || i + 1 >= argc) return nullptr;
  return argv[++i];
}

bool take_flag(Options& options, const char* argument) {
  struct Flag {
    const char* name;
    bool Options::*member;
    bool value;
  };
  static constexpr Flag kFlags[] = {{"--no-fallback", &Options::fallback, false},
                                    {"--keep-pid", &Options::keep_pid, true},
                                    {"--help", &Options::help, true},
                                    {"--version", &Options::version, true}};
  for (const Flag& flag : kFlags) {
    if (strcmp(argument, flag.name) != 0) continue;
    options.*flag.member = flag.value;
    return true;
  }
  return false;
}

bool take_value(Options& options, int argc, char** argv, int& i) {
  struct Value {
    const char* name;
    const char* Options::*member;
  };
  static constexpr Value kValues[] = {
      {"--store", &Options::store}, {"--profile", &Options::profile}, {"--image", &Options::image}};
  for (const Value& value : kValues) {
    if (const char* text = value_of(value.name, argc, argv, i)) {
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
    if (!take_flag(options, argv[i]) && !take_value(options, argc, argv, i))
      return Error{0, std::string("unknown option or missing value: ") + argv[i] + " (see --help)"};
  }
  options.command = argv + i;
  if (!options.help && !options.version && *options.command == nullptr)
    return Error{0, "no PROGRAM given (see --help)"};
  return options;
}

}  // namespace thaw::exec
