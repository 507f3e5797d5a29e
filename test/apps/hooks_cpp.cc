// The App API in C++: an object whose hook puts right, in each launch, what the program has made of
// a seed and of the time zone. Not run by the table of apps: it has no status file.
#include <thaw.h>

#include <ctime>

namespace {

class Renewal {
 public:
  Renewal() : hook_{nullptr, &Renewal::renew, this, nullptr}, seed_(1) {
    srand(seed_);
    tzset();
    thaw_register(&hook_);
  }
  Renewal(const Renewal&) = delete;

 private:
  static int renew(void* self) { return static_cast<Renewal*>(self)->renew() ? 0 : -1; }
  bool renew() {
    if (getentropy(&seed_, sizeof(seed_)) != 0) return false;
    srand(seed_);
    tzset();
    return true;
  }

  thaw_hook hook_;
  unsigned seed_;
};

}  // namespace

int main(int argc, char**) {
  // Without arguments, as an app that has never heard of hooks.
  if (argc > 1) static Renewal renewal;
  srand(1);
  const int answer = thaw_checkpoint();
  const time_t start = 0;
  printf("%d %d %d\n", answer, localtime(&start)->tm_hour, rand());
}
