// Work of the engine that blocks, as a promise.
#pragma once

#include <napi.h>

#include <functional>
#include <optional>

#include "addon/addon.h"
#include "support/result.h"

namespace thaw::addon {

/// Does `work` on a thread of its own. Resolves to what `convert` makes of its value; rejects with
/// its error.
template <typename T>
class Background : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result<T>()>;
  using Convert = std::function<Napi::Value(Napi::Env, const T&)>;

  static Napi::Promise promise(Napi::Env env, Work work, Convert convert) {
    // Deletes itself when it is done.
    auto* worker = new Background(env, std::move(work), std::move(convert));
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 protected:
  void Execute() override { result_.emplace(work_()); }
  void OnOK() override {
    if (*result_)
      deferred_.Resolve(convert_(Env(), result_->value()));
    else
      deferred_.Reject(to_js(Env(), result_->error()).Value());
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Background(Napi::Env env, Work work, Convert convert)
      : AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Convert convert_;
  std::optional<Result<T>> result_;
};

}  // namespace thaw::addon
