// Small helpers on files and text that libc lacks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace thaw {

/// The whole of a file of unknown size (as those of /proc are).
Result<std::string> read_file(const std::string& path);
/// The rest of an open one.
Result<std::string> read_all(int fd);
/// All of a small file of /proc or /sys in one write, as the kernel wants it. False: errno says why not.
bool write_file(const char* path, std::string_view text);
/// Where a symbolic link points.
Result<std::string> read_link(const std::string& path);
/// The path of the current folder; empty where it has none (removed, or outside of the root).
std::string current_folder();
/// The path without links, as getcwd(2) would have it; empty where there is none such.
std::string real_path(const std::string& path);
/// Names in a directory that are numbers (/proc/PID/task, /proc/PID/fd), ascending.
Result<std::vector<int>> numeric_entries(const std::string& path);

/// The rest of the line of `text` that starts with `key`, blanks trimmed; empty without one.
std::string_view line_value(std::string_view text, std::string_view key);
std::string_view trim(std::string_view text);
/// What stands behind the last '/' of a path; all of it where there is none.
std::string_view base_name(std::string_view path);
/// Calls `use` with every line of `text` that starts with `prefix`, until it returns false.
template <typename Use>
void each_line(std::string_view text, std::string_view prefix, Use use) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with(prefix) && !use(line)) return;
  }
}
/// Splits at any of `separators`; empty parts are left out.
std::vector<std::string_view> split(std::string_view text, std::string_view separators);
/// The fields of /proc/PID/stat from the state on (proc_pid_stat(5): field 3), which follows the name in
/// parentheses: views of `stat`.
std::vector<std::string_view> stat_fields(std::string_view stat);
/// A number in the given base; 0 where the text is none.
uint64_t number(std::string_view text, int base = 10);

struct AddressRange {
  uint64_t start = 0, end = 0;
  [[nodiscard]] uint64_t size() const { return end - start; }
};
/// The range that a line of /proc/PID/maps or smaps begins with (proc(5)).
AddressRange address_range(std::string_view line);

}  // namespace thaw
