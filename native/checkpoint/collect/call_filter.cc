#include "checkpoint/collect/call_filter.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "arch/this_cpu.h"

namespace thaw::checkpoint {
namespace {

using Value = std::optional<uint32_t>;  ///< none: it depends on what is not known

/// The machine of Documentation/networking/filter.rst, as far as seccomp(2) lets it be used.
struct State {
  Value a = 0, x = 0;
  std::array<Value, BPF_MEMWORDS> words = {};
  size_t at = 0;
};

class Follower {
 public:
  Follower(std::span<const sock_filter> program, long number)
      : program_(program), number_(number) {}

  bool always_allows() {
    constexpr int kMostSteps = 100'000;
    std::vector<State> open = {State{}};
    for (int step = 0; !open.empty(); ++step) {
      State& state = open.back();
      if (step == kMostSteps || state.at >= program_.size()) return false;
      const sock_filter& instruction = program_[state.at++];
      switch (BPF_CLASS(instruction.code)) {
        case BPF_RET:
          if (!lets_through(result(state, instruction))) return false;
          open.pop_back();
          break;
        case BPF_JMP:
          jump(open, instruction);
          break;
        default:
          compute(state, instruction);
      }
    }
    return true;
  }

 private:
  static Value result(const State& state, const sock_filter& instruction) {
    return BPF_RVAL(instruction.code) == BPF_A ? state.a : Value(instruction.k);
  }

  static bool lets_through(const Value& result) {
    const uint32_t action = result ? *result & SECCOMP_RET_ACTION_FULL : 0;
    return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
  }

  /// A word of struct seccomp_data.
  [[nodiscard]] Value load(uint32_t offset) const {
    if (offset == offsetof(seccomp_data, nr)) return static_cast<uint32_t>(number_);
    if (offset == offsetof(seccomp_data, arch)) return raw::kAuditArch;
    return {};
  }

  static Value operand(const State& state, const sock_filter& instruction) {
    return BPF_SRC(instruction.code) == BPF_X ? state.x : Value(instruction.k);
  }

  static std::optional<bool> holds(const State& state, const sock_filter& instruction) {
    const Value b = operand(state, instruction);
    if (!state.a || !b) return {};
    switch (BPF_OP(instruction.code)) {
      case BPF_JEQ:
        return *state.a == *b;
      case BPF_JGT:
        return *state.a > *b;
      case BPF_JGE:
        return *state.a >= *b;
      case BPF_JSET:
        return (*state.a & *b) != 0;
      default:
        return {};
    }
  }

  /// Where it is not known which way is taken, both are followed.
  static void jump(std::vector<State>& open, const sock_filter& instruction) {
    State& state = open.back();
    if (BPF_OP(instruction.code) == BPF_JA) {
      state.at += instruction.k;
      return;
    }
    const std::optional<bool> taken = holds(state, instruction);
    State other = state;
    state.at += taken.value_or(true) ? instruction.jt : instruction.jf;
    if (taken) return;
    other.at += instruction.jf;
    open.push_back(other);
  }

  void compute(State& state, const sock_filter& instruction) const {
    const uint32_t word = instruction.k % BPF_MEMWORDS;
    switch (BPF_CLASS(instruction.code)) {
      case BPF_LD:
        state.a = loaded(state, instruction, word);
        break;
      case BPF_LDX:
        state.x = loaded(state, instruction, word);
        break;
      case BPF_ST:
        state.words[word] = state.a;
        break;
      case BPF_STX:
        state.words[word] = state.x;
        break;
      case BPF_ALU:
        state.a = calculated(state, instruction);
        break;
      case BPF_MISC:
        (BPF_MISCOP(instruction.code) == BPF_TAX ? state.x : state.a) =
            BPF_MISCOP(instruction.code) == BPF_TAX ? state.a : state.x;
        break;
      default:
        break;
    }
  }

  [[nodiscard]] Value loaded(const State& state, const sock_filter& instruction,
                             uint32_t word) const {
    switch (BPF_MODE(instruction.code)) {
      case BPF_IMM:
        return instruction.k;
      case BPF_MEM:
        return state.words[word];
      case BPF_LEN:
        return static_cast<uint32_t>(sizeof(seccomp_data));
      default:
        return load(instruction.k);
    }
  }

  static Value calculated(const State& state, const sock_filter& instruction) {
    const Value b = operand(state, instruction);
    if (!state.a || (!b && BPF_OP(instruction.code) != BPF_NEG)) return {};
    const uint32_t a = *state.a, k = b.value_or(0);
    switch (BPF_OP(instruction.code)) {
      case BPF_ADD:
        return a + k;
      case BPF_SUB:
        return a - k;
      case BPF_MUL:
        return a * k;
      case BPF_OR:
        return a | k;
      case BPF_AND:
        return a & k;
      case BPF_XOR:
        return a ^ k;
      case BPF_LSH:
        return k < 32 ? Value(a << k) : Value();
      case BPF_RSH:
        return k < 32 ? Value(a >> k) : Value();
      case BPF_DIV:
        return k != 0 ? Value(a / k) : Value();
      case BPF_NEG:
        return 0 - a;
      default:
        return {};
    }
  }

  std::span<const sock_filter> program_;
  long number_;
};

}  // namespace

bool always_allows(std::span<const sock_filter> program, long number) {
  return Follower(program, number).always_allows();
}

bool may_notify(std::span<const sock_filter> program) {
  return std::any_of(program.begin(), program.end(), [](const sock_filter& instruction) {
    if (BPF_CLASS(instruction.code) != BPF_RET) return false;
    return BPF_RVAL(instruction.code) == BPF_A ||
           (instruction.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF;
  });
}

}  // namespace thaw::checkpoint
