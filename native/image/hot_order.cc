#include "image/hot_order.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "image/page_data.h"
#include "image/verify_data.h"
#include "image/view.h"
#include "image/writer.h"

namespace thaw::image {
namespace {

using model::FeedRun;
using model::Op;
using model::OpKind;

/// Pages between two parts of the working set that stay with them: each piece is a mapping more
/// (measured: 16 KB cost the TypeScript server 6 % of a warm launch, 32 KB next to nothing).
constexpr uint64_t kKeptTogether = 32 << 10;

/// More pieces than that, and what lies further apart stays together, too: an app may have no more
/// than vm.max_map_count mappings, 65530 where nobody has raised it.
constexpr size_t kMostPieces = 4096;

/// Bytes of page data, and where they go.
struct Piece {
  uint64_t from = 0, size = 0, to = 0;
  [[nodiscard]] uint64_t end() const { return from + size; }
};

/// Page data that is in use, each byte once. Whatever order the image has, this is that of its
/// checkpoint: by process and address.
class Used {
 public:
  explicit Used(const View& view) : page_(view.header().page_size) {
    for (const model::DataRun& run : view.data_runs()) claim(run.data, run.size, copied_);
    for (const OpKind kind : {OpKind::read, OpKind::map})
      for (const model::Process& process : view.processes())
        claim(View::part(view.ops(), process.ops), kind, kind == OpKind::read ? copied_ : mapped_);
  }

  /// What each launch reads, whatever the app does: contents of objects and memory.
  [[nodiscard]] const std::vector<Piece>& copied() const { return copied_; }
  [[nodiscard]] const std::vector<Piece>& mapped() const { return mapped_; }

 private:
  void claim(std::span<const Op> ops, OpKind kind, std::vector<Piece>& pieces) {
    std::vector<Op> stored;
    for (const Op& op : ops)
      if (is_stored(op) && op.kind == kind) stored.push_back(op);
    std::stable_sort(stored.begin(), stored.end(),
                     [](const Op& a, const Op& b) { return a.address < b.address; });
    for (const Op& op : stored) claim(op.offset, op.size, pieces);
  }

  /// What nobody has claimed yet, in whole pages.
  void claim(uint64_t start, uint64_t size, std::vector<Piece>& pieces) {
    const uint64_t end = (start + size + page_ - 1) / page_ * page_;
    while (start < end) {
      const auto next = claimed_.upper_bound(start);  // by end: the first that ends behind start
      const uint64_t taken = next == claimed_.end() ? end : std::min(next->second, end);
      if (taken > start) pieces.push_back({start, taken - start, 0});
      const uint64_t from = start;
      start = next == claimed_.end() ? end : std::max(next->first, start);
      if (taken > from) claimed_[taken] = from;
    }
  }

  uint64_t page_;
  std::vector<Piece> copied_, mapped_;
  std::map<uint64_t, uint64_t> claimed_;  ///< end: start
};

/// Old places to new ones: what is copied, the working set, the rest.
class Places {
 public:
  Places(const View& view, std::span<const FeedRun> runs)
      : page_(view.header().page_size), end_(page_) {
    const Used used(view);
    const Ranks ranks = rank_pages(runs);
    std::vector<Piece> hot, cold;
    uint64_t together = kKeptTogether;
    do {
      divide(used.mapped(), ranks, together, hot, cold);
      together *= 2;
    } while (hot.size() > kMostPieces && together < view.header().file_size);
    for (const std::vector<Piece>* part :
         {&used.copied(), &std::as_const(hot), &std::as_const(cold)})
      for (Piece piece : *part) {
        piece.to = end_;
        end_ += piece.size;
        pieces_.push_back(piece);
      }
    by_place_ = pieces_;
    std::sort(by_place_.begin(), by_place_.end(),
              [](const Piece& a, const Piece& b) { return a.from < b.from; });
  }

  /// In the order of their new places.
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  [[nodiscard]] uint64_t end() const { return end_; }

  /// take(into, size, to) for each part of [start, start + size) that stays in one piece.
  template <typename Take>
  void split(uint64_t start, uint64_t size, Take take) const {
    auto at = std::upper_bound(by_place_.begin(), by_place_.end(), start,
                               [](uint64_t place, const Piece& p) { return place < p.from; });
    for (at -= at == by_place_.begin() ? 0 : 1; at != by_place_.end(); ++at) {
      const uint64_t from = std::max(at->from, start), end = std::min(at->end(), start + size);
      if (from >= start + size) break;
      if (from < end) take(from - start, end - from, at->to + (from - at->from));
    }
  }

 private:
  using Ranks = std::map<uint64_t, size_t>;  ///< place of a page: when it is used

  Ranks rank_pages(std::span<const FeedRun> runs) const {
    Ranks ranks;
    for (size_t i = 0; i < runs.size(); ++i)
      for (uint64_t done = 0; runs[i].offset != 0 && done < runs[i].size; done += page_)
        ranks.try_emplace(runs[i].offset + done, i);
    return ranks;
  }

  /// Cuts what is used into pieces of the working set, in the order of their use, and the rest.
  void divide(const std::vector<Piece>& used, const Ranks& ranks, uint64_t together,
              std::vector<Piece>& hot, std::vector<Piece>& cold) const {
    std::vector<std::pair<size_t, Piece>> ranked;
    hot.clear();
    cold.clear();
    for (const Piece& piece : used) {
      uint64_t done = piece.from;
      for (auto at = ranks.lower_bound(piece.from); at != ranks.end() && at->first < piece.end();) {
        const uint64_t start = at->first;
        uint64_t end = start + page_;
        size_t rank = at->second;
        for (++at; at != ranks.end() && at->first < piece.end() && at->first <= end + together;
             ++at) {
          end = at->first + page_;
          rank = std::min(rank, at->second);
        }
        if (start > done) cold.push_back({done, start - done, 0});
        ranked.push_back({rank, {start, end - start, 0}});
        done = end;
      }
      if (done < piece.end()) cold.push_back({done, piece.end() - done, 0});
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [rank, piece] : ranked) hot.push_back(piece);
  }

  uint64_t page_, end_;
  std::vector<Piece> pieces_, by_place_;
};

/// What one call can map, and the kernel makes one mapping of.
bool continues(const Op& last, const Op& next) {
  return last.kind == OpKind::map && next.kind == OpKind::map && last.source == 0 &&
         next.source == 0 && last.address + last.size == next.address &&
         last.offset + last.size == next.offset && last.prot == next.prot &&
         last.flags == next.flags && last.optional == next.optional;
}

std::vector<Op> moved_ops(std::span<const Op> ops, const Places& places) {
  std::vector<Op> moved;
  auto add = [&moved](const Op& op) {
    if (!moved.empty() && continues(moved.back(), op))
      moved.back().size += op.size;
    else
      moved.push_back(op);
  };
  for (const Op& op : ops) {
    if (!is_stored(op)) {
      add(op);
      continue;
    }
    places.split(op.offset, op.size, [&](uint64_t into, uint64_t size, uint64_t to) {
      Op part = op;
      part.address += into;
      part.size = size;
      part.offset = to;
      add(part);
    });
  }
  return moved;
}

std::vector<FeedRun> moved_runs(std::span<const FeedRun> runs, const Places& places) {
  std::vector<FeedRun> moved;
  for (const FeedRun& run : runs) {
    if (run.offset == 0) {
      moved.push_back(run);
      continue;
    }
    places.split(run.offset, run.size, [&](uint64_t into, uint64_t size, uint64_t to) {
      moved.push_back({run.address + into, size, to, run.written, 0});
    });
  }
  return moved;
}

/// Contents of objects are read in one piece.
Result<uint64_t> moved_content(const model::DataRun& run, const Places& places, uint64_t page) {
  uint64_t moved = page, parts = 0;
  places.split(run.data, run.size, [&](uint64_t, uint64_t, uint64_t to) {
    if (parts++ == 0) moved = to;
  });
  if (parts > 1) return Error{0, "the image holds contents of objects that overlap"};
  return moved;
}

/// The records of the image, with their new places.
Result<Builder> moved_records(const View& view, std::span<const FeedRun> runs,
                              const Places& places) {
  Builder builder = records_of(view);
  builder.ops.clear();
  for (model::Process& process : builder.processes) {
    const std::vector<Op> ops = moved_ops(View::part(view.ops(), process.ops), places);
    process.ops = {static_cast<model::Index>(builder.ops.size()),
                   static_cast<uint32_t>(ops.size())};
    builder.ops.insert(builder.ops.end(), ops.begin(), ops.end());
  }
  for (model::DataRun& run : builder.data_runs) {
    THAW_ASSIGN(moved, moved_content(run, places, view.header().page_size));
    run.data = moved;
  }
  builder.feed_runs = moved_runs(runs, places);
  return builder;
}

/// Where data begins (SEEK_DATA) or ends (SEEK_HOLE), from `at` on and at most at `end`. Where the file
/// system cannot tell, all is data.
uint64_t next(int fd, uint64_t at, int whence, uint64_t end) {
  const off_t found = lseek(fd, static_cast<off_t>(at), whence);
  if (found >= 0) return std::min(static_cast<uint64_t>(found), end);
  return whence == SEEK_DATA && errno != ENXIO ? at : end;
}

/// Holes stay holes.
Result<void> copy(int fd, const Piece& piece, Writer& writer, std::vector<char>& buffer,
                  uint64_t page) {
  uint64_t at = piece.from;
  while ((at = next(fd, at, SEEK_DATA, piece.end()) / page * page) < piece.end()) {
    const uint64_t hole = (next(fd, at, SEEK_HOLE, piece.end()) + page - 1) / page * page;
    const size_t wanted = std::min<uint64_t>(buffer.size(), std::max(hole, at + page) - at);
    THAW_TRY(read_page_data(fd, buffer.data(), wanted, at));
    THAW_TRY(writer.write(piece.to + (at - piece.from), buffer.data(), wanted));
    at += wanted;
  }
  return {};
}

/// Bytes of the image that a launch touches.
uint64_t size_of(std::span<const FeedRun> runs) {
  uint64_t size = 0;
  for (const FeedRun& run : runs) size += run.offset != 0 ? run.size : 0;
  return size;
}

Result<void> write_anew(const std::string& path, std::span<const FeedRun> runs) {
  THAW_ASSIGN(view, View::open(path.c_str()));
  THAW_TRY(verify_data(view));  // What is damaged would get a checksum that is right.
  struct stat status = {};
  if (fstat(view.fd(), &status) != 0) return errno_error("cannot read the image");
  const Header& header = view.header();
  const Places places(view, runs);
  THAW_ASSIGN(writer, Writer::create(path, header.page_size));
  writer.give_to(status);
  std::vector<char> buffer(256 * static_cast<size_t>(header.page_size));
  for (const Piece& piece : places.pieces())
    THAW_TRY(copy(view.fd(), piece, writer, buffer, header.page_size));
  THAW_ASSIGN(builder, moved_records(view, runs, places));
  THAW_TRY(writer.finish(builder, places.end(), header.cpu));
  return {};
}

bool is_full(const Error& error) {
  return error.err == ENOSPC || error.err == EDQUOT;
}

}  // namespace

Result<PageOrder> put_working_set_first(const std::string& path, std::span<const FeedRun> runs,
                                        uint64_t least) {
  const bool worth_moving = size_of(runs) >= least;
  if (worth_moving) {
    auto written = write_anew(path, runs);
    if (written) return PageOrder::first;
    if (!is_full(written.error())) return written.error();
  }
  THAW_TRY(set_working_set(path, {runs.begin(), runs.end()}));
  return worth_moving ? PageOrder::no_room : PageOrder::kept;
}

}  // namespace thaw::image
