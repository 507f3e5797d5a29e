// wrong-working-set FILE [SEED]: gives the image a working set of random pages, as one that was
// trained long ago or by another app would be. Nearly all that it names exists in the image, but
// nobody needs it, in no order, and it says "written" of what is read. The image gets its order: its
// memory is mapped in many pieces. Without SEED: writes it anew with the working set that it has.
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "image/hot_order.h"
#include "image/view.h"

namespace {

using thaw::model::FeedRun;
using thaw::model::Op;
using thaw::model::OpKind;

constexpr uint64_t kRunsOfMapping = 8, kMostPages = 32, kMostRuns = 4096, kRunsOfNothing = 4;

std::vector<FeedRun> random_runs(const thaw::image::View& view, std::mt19937_64& random) {
  const uint64_t page = view.header().page_size;
  std::vector<FeedRun> runs;
  for (const Op& op : view.ops()) {
    if (op.kind != OpKind::map || (op.flags & MAP_PRIVATE) == 0) continue;
    const uint64_t pages = op.size / page;
    for (uint64_t i = 0; i < std::min(pages, kRunsOfMapping); ++i) {
      const uint64_t first = random() % pages;
      const uint64_t count = 1 + random() % std::min(pages - first, kMostPages);
      runs.push_back({op.address + first * page, count * page,
                      op.source == 0 ? op.offset + first * page : 0,
                      static_cast<uint32_t>(random() % 2), 0});
    }
  }
  // Below all mappings.
  for (uint64_t i = 1; i <= kRunsOfNothing; ++i) runs.push_back({i * page, page, 0, 1, 0});
  std::shuffle(runs.begin(), runs.end(), random);
  if (runs.size() > kMostRuns) runs.resize(kMostRuns);
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: wrong-working-set FILE [SEED]\n");
    return 2;
  }
  std::vector<FeedRun> runs;
  {
    auto view = thaw::image::View::open(argv[1]);
    if (!view) {
      fprintf(stderr, "%s\n", view.error().text().c_str());
      return 1;
    }
    if (argc == 3) {
      std::mt19937_64 random(strtoull(argv[2], nullptr, 10));
      runs = random_runs(view.value(), random);
    } else {
      runs.assign(view.value().feed_runs().begin(), view.value().feed_runs().end());
    }
  }
  const size_t count = runs.size();
  if (auto written = thaw::image::put_working_set_first(argv[1], runs, 0); !written) {
    fprintf(stderr, "%s\n", written.error().text().c_str());
    return 1;
  }
  printf("%zu runs\n", count);
  return 0;
}
