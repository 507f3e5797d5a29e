// Errors as values: every function that can fail returns Result<T>; one place (the CLI or the
// addon) prints.
#pragma once

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace thaw {

/// What went wrong, for a person: `message` names the thing, `remedy` says what to do about it and
/// is empty where nobody can tell. `err` is an errno value, 0 where no system call was at fault.
struct Error {
  int err = 0;
  std::string message;
  std::string remedy = {};
  /// An image that is out of date: one that is built again will be right.
  bool stale = false;
  /// A checkpoint of another start of the app need not find the same.
  bool by_chance = false;

  /// The message followed by the errno text, without the remedy.
  [[nodiscard]] std::string what() const {
    return err == 0 ? message : message + ": " + std::strerror(err);
  }

  /// All of it in one line: "message: errno text; remedy".
  [[nodiscard]] std::string text() const {
    return remedy.empty() ? what() : what() + "; " + remedy;
  }
};

/// An error that carries the current errno.
inline Error errno_error(std::string message, std::string remedy = {}) {
  return Error{errno, std::move(message), std::move(remedy)};
}

/// Of an error that a Result holds: few do, and what would make and destroy one stands once, not at
/// each call (thaw-exec stays smaller, and its launches take fewer page faults).
struct ErrorDelete {
  void operator()(const Error*) const noexcept;
};
using ErrorPointer = std::unique_ptr<const Error, ErrorDelete>;
ErrorPointer hold(Error&&);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  /// Cold: the compiler puts what leads to it out of the way of what goes well.
  [[gnu::cold, gnu::noinline]] Result(Error error)  // NOLINT(google-explicit-constructor)
      : error_(hold(std::move(error))) {}

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const T& value() const { return *value_; }
  [[nodiscard]] T& value() { return *value_; }
  [[nodiscard]] T take() { return std::move(*value_); }
  /// Only where there is one: ok() is false.
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::optional<T> value_;
  ErrorPointer error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  [[gnu::cold, gnu::noinline]] Result(Error error)  // NOLINT(google-explicit-constructor)
      : error_(hold(std::move(error))) {}

  [[nodiscard]] bool ok() const { return error_ == nullptr; }
  explicit operator bool() const { return ok(); }
  /// Only where there is one: ok() is false.
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  ErrorPointer error_;
};

/// Several errors as one: none, the only one, or a list of all with their remedies.
Result<void> joined(const std::vector<Error>& errors);

}  // namespace thaw

#define THAW_CONCAT_(a, b) a##b
#define THAW_CONCAT(a, b) THAW_CONCAT_(a, b)

/// Returns the error of `expression` (a Result) to the caller, or goes on.
#define THAW_TRY(expression)                                                    \
  do {                                                                          \
    if (auto try_result = (expression); !try_result) return try_result.error(); \
  } while (false)

/// Declares `name` with the value of `expression` (a Result), or returns its error to the caller.
#define THAW_ASSIGN(name, expression)                                                 \
  auto THAW_CONCAT(result_, __LINE__) = (expression);                                 \
  if (!THAW_CONCAT(result_, __LINE__)) return THAW_CONCAT(result_, __LINE__).error(); \
  auto name = THAW_CONCAT(result_, __LINE__).take()
