// storedPages(path): which pages of the app's memory an image holds, for `thaw report`.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "addon/addon.h"
#include "image/page_data.h"
#include "image/view.h"

namespace thaw::addon {
namespace {

/// Runs of pages by address. What was zero is a hole of the file.
class Runs {
 public:
  Runs(Napi::Env env, const image::View& view)
      : env_(env), fd_(view.fd()), page_(view.header().page_size), list_(Napi::Array::New(env)) {}

  void add(const model::Op& op) {
    const auto end = static_cast<off_t>(op.offset + op.size);
    for (off_t at = static_cast<off_t>(op.offset); at < end;) {
      const off_t data = lseek(fd_, at, SEEK_DATA);
      if (data < 0 && errno == ENXIO) return;  // Nothing but a hole up to the end of the file.
      const off_t begin = data < 0 ? at : std::min(data, end);
      const off_t hole = data < 0 ? end : lseek(fd_, begin, SEEK_HOLE);
      const off_t stop = std::min(hole < 0 ? end : hole, end);
      if (stop > begin) add(op.address + static_cast<uint64_t>(begin) - op.offset, stop - begin);
      at = stop;
    }
  }

  [[nodiscard]] Napi::Array list() const { return list_; }

 private:
  void add(uint64_t address, off_t size) {
    Napi::Object run = Napi::Object::New(env_);
    run.Set("address", to_hex(address));
    run.Set("pages", static_cast<double>((static_cast<uint64_t>(size) + page_ - 1) / page_));
    list_.Set(list_.Length(), run);
  }

  Napi::Env env_;
  int fd_;
  uint64_t page_;
  Napi::Array list_;
};

}  // namespace

Napi::Value stored_pages(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  auto view = image::View::open(path.c_str());
  if (!view) throw to_js(info.Env(), view.error());
  Runs runs(info.Env(), view.value());
  for (const model::Op& op : view.value().ops())
    if (image::is_stored(op)) runs.add(op);
  return runs.list();
}

}  // namespace thaw::addon
