// The requests of a warm-up, in the order in which a launch makes them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "session/wayland/script.h"
#include "support/result.h"

namespace thaw::session::wayland {

class Requests {
 public:
  /// A request, its bytes with it.
  struct Kept {
    Request request;
    std::string bytes;
    std::vector<uint32_t> names;  ///< the objects that it names, its own first
    bool late = false;            ///< made after all others
    bool dropped = false;         ///< of a late object that is gone
    bool orphan = false;          ///< names one
  };

  [[nodiscard]] size_t size() const { return kept_.size(); }
  /// The bytes of one.
  std::string& operator[](size_t index) { return kept_[index].bytes; }
  const std::string& operator[](size_t index) const { return kept_[index].bytes; }
  void add(Kept kept) { kept_.push_back(std::move(kept)); }
  /// A late object is gone: a launch never has it.
  void drop(uint32_t id);

  /// `lives`: whether something is left of the pool that a request made, by its index. The texts lie here.
  Result<void> write(Script& script, const std::function<bool(size_t)>& lives) const;

 private:
  [[nodiscard]] Request request_of(size_t index, const std::function<bool(size_t)>& lives) const;

  std::vector<Kept> kept_;
};

}  // namespace thaw::session::wayland
