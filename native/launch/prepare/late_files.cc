#include "launch/prepare/late_files.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "fd/open_file.h"

namespace thaw::launch {
namespace {

constexpr const char* kProblem = "cannot hand a descriptor to another process of the app";

/// One byte, with room for one descriptor.
struct Message {
  char byte = 0;
  iovec vector = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};

  Message() {
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
  }
};

Result<void> send_one(int way, int fd) {
  Message message;
  cmsghdr* first = CMSG_FIRSTHDR(&message.header);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(sizeof(fd));
  memcpy(CMSG_DATA(first), &fd, sizeof(fd));
  if (sendmsg(way, &message.header, MSG_NOSIGNAL) != 1) return errno_error(kProblem);
  return {};
}

Result<UniqueFd> receive_one(const Tree& tree, int way) {
  pollfd ready = {way, POLLIN, 0};
  constexpr int kPatienceMs = restorer::kPatienceNs / 1'000'000;
  while (poll(&ready, 1, kPatienceMs) <= 0)
    if (tree.has_failed()) return Error{ECANCELED, kProblem};
  Message message;
  const ssize_t got = recvmsg(way, &message.header, MSG_CMSG_CLOEXEC);
  if (got < 0) return errno_error(kProblem);
  const cmsghdr* first = CMSG_FIRSTHDR(&message.header);
  if (first == nullptr || first->cmsg_type != SCM_RIGHTS) return Error{0, kProblem};
  int fd = -1;
  memcpy(&fd, CMSG_DATA(first), sizeof(fd));
  return UniqueFd(fd);
}

bool has_open(const image::View& view, const model::Process& process, model::Index file) {
  const auto fds = image::View::part(view.fds(), process.fds);
  return std::any_of(fds.begin(), fds.end(),
                     [file](const model::Fd& fd) { return fd.open_file == file; });
}

}  // namespace

Result<void> LateFiles::add(const image::View& view, const DescriptorRoom& room,
                            model::Index file) {
  File late = {file, {}, {}, {}};
  const auto processes = view.processes();
  for (model::Index i = 0; i < processes.size(); ++i)
    if (i != view.open_files()[file].process && has_open(view, processes[i], file))
      late.others.push_back(i);
  int way[2];
  if (!late.others.empty()) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, way) != 0) return errno_error(kProblem);
    late.in.reset(way[0]);
    late.out.reset(way[1]);
    THAW_TRY(room.move(late.in));
    THAW_TRY(room.move(late.out));
  }
  files_.push_back(std::move(late));
  return {};
}

Result<void> LateFiles::make(const Tree& tree, fd::Opener opener, const DescriptorRoom& room,
                             std::vector<UniqueFd>& opened) {
  if (none()) return {};
  THAW_ASSIGN(pids, tree.await_births());
  opener.pids = pids;
  for (const File& late : files_) {
    const model::OpenFile& file = opener.image.open_files()[late.index];
    UniqueFd& fd = opened[late.index];
    if (file.process == tree.self()) {
      THAW_ASSIGN(made, fd::open_file(opener, file));
      for (size_t i = 0; i < late.others.size(); ++i) THAW_TRY(send_one(late.in.get(), made.get()));
      fd = std::move(made);
    } else if (std::find(late.others.begin(), late.others.end(), tree.self()) !=
               late.others.end()) {
      THAW_ASSIGN(handed, receive_one(tree, late.out.get()));
      fd = std::move(handed);
    } else {
      continue;
    }
    THAW_TRY(room.move(fd));
  }
  files_.clear();  // With the ways.
  return {};
}

}  // namespace thaw::launch
