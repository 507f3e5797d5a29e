#pragma once
// What most files include of the standard library, compiled once for each target. Each file
// includes what it needs all the same.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
