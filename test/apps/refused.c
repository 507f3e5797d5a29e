// Holds one thing that cannot be restored: argv[4] says which. A descriptor stands at number 77,
// for the message.
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stddef.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "aio.h"
#include "area.h"
#include "call_filter.h"
#include "holders.h"
#include "rights.h"

enum { kNumber = 77 };

static void place(int fd) {
  NEED(dup3(fd, kNumber, O_CLOEXEC));
  close(fd);
}

static int few_bits(pid_t pid) {
  return pid % 2 == 0 && __builtin_popcount((unsigned)pid) < 9;
}

/// A process that ends with us, whose pid is like many other numbers.
static void make_child(void) {
  for (;;) {
    pid_t app = getpid(), child = (pid_t)NEED(fork());
    if (child == 0 && few_bits(getpid()) == 0) _exit(0);
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (getppid() == app) app_sleep_ms(20);
      _exit(0);
    }
    if (few_bits(child)) return;
    NEED(waitpid(child, NULL, 0));
  }
}

/// That call has that result.
static void filter_calls(long number, unsigned result) {
  struct CallFilter filter = call_filter(number, result);
  struct sock_fprog program = {kCallFilterSize, filter.rules};
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/// Right for the app, which returns from no handler.
static void hold_seccomp(void) {
  filter_calls(SYS_rt_sigreturn, SECCOMP_RET_KILL_PROCESS);
}

static void* wait_for_the_end(void* unused) {
  app_wait();
  _exit(0);
  return unused;
}

/// The main thread may read and nothing else; another one does what the test asks for.
static void hold_strict_mode(void) {
  pthread_t thread;
  int pair[2];
  NEED(pipe2(pair, O_CLOEXEC));
  NEED0(pthread_create(&thread, NULL, wait_for_the_end, NULL));
  NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
  char byte;
  while (true) syscall(SYS_read, pair[0], &byte, 1);
}

static void hold_filter_that_asks(void) {
  filter_calls(SYS_getppid, SECCOMP_RET_USER_NOTIF);
}

static void* run_filtered(void* unused) {
  filter_calls(SYS_getpriority, SECCOMP_RET_ERRNO | EPERM);
  while (true) pause();
  return unused;
}

static void hold_other_filter(void) {
  pthread_t thread;
  filter_calls(SYS_getppid, SECCOMP_RET_ERRNO | EPERM);
  NEED0(pthread_create(&thread, NULL, run_filtered, NULL));
  app_sleep_ms(50);
}

/// The second was set under the first, which now forbids that.
static void hold_last_filter(void) {
  struct sock_filter filter[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {1, filter};
  filter_calls(SYS_seccomp, SECCOMP_RET_ERRNO | EPERM);
  NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/// A thread that confines itself, as sandboxes of media decoders do; the main thread does not.
static void* run_confined(void* filtered) {
  if (filtered != NULL)
    hold_seccomp();
  else
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  while (true) pause();
  return NULL;
}

static void start_confined(void* filtered) {
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, run_confined, filtered));
  app_sleep_ms(50);
}

static void hold_confined_thread(void) {
  start_confined(NULL);
}

static void hold_filtered_thread(void) {
  start_confined("filtered");
}

/// The kernel serves its queue in a thread of its own.
static void hold_io_worker(void) {
  struct io_uring_params parameters = {.flags = IORING_SETUP_SQPOLL};
  int fd = (int)syscall(SYS_io_uring_setup, 4, &parameters);
  if (fd < 0) SKIP("this kernel allows no io_uring");
}

static void hold_io_uring(void) {
  char parameters[120] = {0};
  int fd = (int)syscall(SYS_io_uring_setup, 4, parameters);
  if (fd < 0) SKIP("this kernel allows no io_uring");
  place(fd);
}

static void hold_tcp(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = (int)NEED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(bind(listener, (struct sockaddr*)&address, size));
  NEED(listen(listener, 1));
  NEED(getsockname(listener, (struct sockaddr*)&address, &size));
  int client = (int)NEED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(connect(client, (struct sockaddr*)&address, size));
  NEED(dup3((int)NEED(accept(listener, NULL, NULL)), kNumber + 1, O_CLOEXEC));
  for (int fd = 3; fd < kNumber; fd++)
    if (fd != client) close(fd);
  place(client);
}

static void hold_udp(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(connect(fd, (struct sockaddr*)&address, sizeof address));
  place(fd);
}

/// Half a datagram.
/// Takes all; as many words as the kernel's instructions have.
static void hold_bpf_filter(void) {
#ifdef SYS_bpf
  const uint64_t program[] = {0x0000ffff000000b7, 0x0000000000000095};
  struct {
    uint32_t type, count;
    uint64_t instructions, license;
    uint32_t rest[20];
  } load = {1, 2, (uintptr_t)program, (uintptr_t) "GPL", {0}};
  int bpf = (int)syscall(SYS_bpf, 5 /* BPF_PROG_LOAD */, &load, sizeof load);
  if (bpf < 0) SKIP("no BPF programs here");
  int fd = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(setsockopt(fd, SOL_SOCKET, 50 /* SO_ATTACH_BPF */, &bpf, sizeof bpf));
  close(bpf);
  place(fd);
#else
  SKIP("no BPF programs here");
#endif
}

static void hold_packet_ring(void) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) SKIP("no packet sockets");
  const unsigned page = (unsigned)app_page();
  struct tpacket_req ring = {page, 1, page, 1};
  NEED(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring));
  place(fd);
}

static void hold_packet_fanout(void) {
  struct sockaddr_ll name = {.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5)};
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) SKIP("no packet sockets");
  NEED(bind(fd, (struct sockaddr*)&name, sizeof name));
  NEED(setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &(int){4711}, sizeof(int)));
  place(fd);
}

static void hold_corked(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(sendto(fd, "half", 4, MSG_MORE, (struct sockaddr*)&address, sizeof address));
  place(fd);
}

static void hold_directory_notice(void) {
  int fd = (int)NEED(open(app_scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  NEED(sigaction(SIGIO, &(struct sigaction){.sa_handler = SIG_IGN}, NULL));
  if (fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT) != 0) SKIP("this kernel has no dnotify");
  place(fd);
}

static void hold_message_queue(void) {
  char name[64];
  snprintf(name, sizeof name, "/thaw-refused-%d", getpid());
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, NULL);
  if (queue < 0) SKIP("this kernel has no message queues");
  mq_unlink(name);
  place((int)queue);
}

static void hold_told_queue(void) {
  char name[64];
  snprintf(name, sizeof name, "/thaw-refused-%d", getpid());
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, NULL);
  if (queue < 0) SKIP("this kernel has no message queues");
  place((int)queue);  // Closing any descriptor of it ends the notification.
  NEED(mq_notify((mqd_t)kNumber, &(struct sigevent){.sigev_notify = SIGEV_NONE}));
  app_wait();
  mq_unlink(name);
  _exit(0);
}

/// Its path does not lead to it any more from where the app is.
static void hold_relative_socket(void) {
  NEED(mkdir(app_path("elsewhere"), 0755));
  NEED(chdir(app_scratch));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "relative.sock"};
  int fd = (int)NEED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(bind(fd, (struct sockaddr*)&address, sizeof address));
  NEED(listen(fd, 1));
  NEED(chdir("elsewhere"));
  place(fd);
}

/// Connected to another socket, as only root may.
static void hold_netlink_peer(void) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = 0x7000001};
  int other = (int)NEED(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  NEED(bind(other, (struct sockaddr*)&address, sizeof address));
  int fd = (int)NEED(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) SKIP("only root can do that");
  place(fd);
}

static void hold_writable_file(void) {
  place((int)NEED(open(app_path("state.db"), O_RDWR | O_CREAT | O_CLOEXEC, 0644)));
}

static void hold_log(void) {
  place((int)NEED(open(app_path("plain.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)));
}

static void share(int fd) {
  NEED(ftruncate(fd, 4096));
  char* area = NEED_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  area[0] = 1;
  close(fd);
}

static void hold_shared_file(void) {
  share((int)NEED(open(app_path("shared.db"), O_RDWR | O_CREAT | O_CLOEXEC, 0644)));
}

/// What Mono's processes tell each other; the test removes it.
static void hold_mono_area(void) {
  char name[64];
  snprintf(name, sizeof(name), "/mono.thaw-test.%d", (int)getpid());
  share((int)NEED(shm_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
}

/// Mapped read-only, but mprotect(2) can change that.
static void hold_shared_may_write(void) {
  int fd = (int)NEED(open(app_path("shared.bin"), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  NEED(ftruncate(fd, 4096));
  CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
  close(fd);
}

static int segment = -1;

static void remove_segment(void) {
  shmctl(segment, IPC_RMID, NULL);
}

/// Of two pages. It goes when the app ends.
static char* attach_segment(key_t key) {
  segment = (int)NEED(shmget(key, 2 * app_page(), IPC_CREAT | 0600));
  NEED(atexit(remove_segment));
  return NEED_MAP(shmat(segment, NULL, 0));
}

/// Its id is kept.
static void hold_sysv(void) {
  attach_segment(IPC_PRIVATE)[0] = 1;
}

static void hold_sysv_key(void) {
  attach_segment((key_t)0x54680000 | (getpid() & 0xffff))[0] = 1;
}

/// An ordinary user leaves it there for the next launch, which could not make it.
static void hold_sem_key(void) {
  const key_t key = (key_t)0x54760000 | (getpid() & 0xffff);
  const int id = (int)NEED(semget(key, 1, IPC_CREAT | 0600));
  NEED(semop(id, &(struct sembuf){0, 1, 0}, 1));
  app_wait();
  if (getuid() == 0) NEED(semctl(id, 0, IPC_RMID));
  _exit(0);
}

static void hold_msg_key(void) {
  const key_t key = (key_t)0x54770000 | (getpid() & 0xffff);
  struct {
    long type;
    char text[4];
  } message = {1, "abc"};
  const int id = (int)NEED(msgget(key, IPC_CREAT | 0600));
  NEED(msgsnd(id, &message, sizeof message.text, 0));
  NEED(msgrcv(id, &message, sizeof message.text, 0, 0));
  app_wait();
  if (getuid() == 0) NEED(msgctl(id, IPC_RMID, NULL));
  _exit(0);
}

static void hold_sysv_part(void) {
  char* area = attach_segment(IPC_PRIVATE);
  remove_segment();  // It lives as long as it is attached.
  NEED(munmap(area, app_page()));
}

static void hold_sysv_unattached(void) {
  NEED(shmdt(attach_segment(IPC_PRIVATE)));
}

/// A child of init's has it as well.
static void hold_sysv_outside(void) {
  int told[2];
  attach_segment(IPC_PRIVATE);
  remove_segment();
  NEED(pipe2(told, O_CLOEXEC));
  pid_t app = getpid(), child = (pid_t)NEED(fork());
  if (child == 0) {
    if (fork() != 0) _exit(0);
    close(told[1]);
    close(told[0]);
    while (kill(app, 0) == 0) app_sleep_ms(20);
    _exit(0);
  }
  NEED(waitpid(child, NULL, 0));
  close(told[1]);
  char byte;
  NEED(read(told[0], &byte, 1));
  close(told[0]);
}

/// It waits for a pipe in which nothing comes.
static void hold_aio_busy(void) {
  int ends[2];
  NEED(pipe2(ends, O_CLOEXEC));
  static struct iocb request;
  request = aio_poll(ends[0], 1);
  aio_submit(aio_setup(8), &request);
}

static void hold_aio_unread(void) {
  static struct iocb request;
  static char byte;
  const int file = (int)NEED(open("/dev/null", O_RDONLY | O_CLOEXEC));
  request = aio_read(file, &byte, 1, 0, 1);
  aio_submit(aio_setup(8), &request);
}

static void hold_huge_memory(void) {
  int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
  if (fd < 0) SKIP("no huge pages here");
  place(fd);
}

static void hold_fanotify(void) {
  // What an ordinary user may ask for. Its event waits.
  int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);
  if (fd < 0 ||
      fanotify_mark(fd, FAN_MARK_ADD, FAN_CREATE | FAN_EVENT_ON_CHILD, AT_FDCWD, app_path("")) != 0)
    SKIP("no fanotify here");
  close((int)NEED(open(app_path("unheard"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
  place(fd);
}

static void hold_fanotify_decides(void) {
  int fd = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);
  if (fd < 0) SKIP("only root may decide here");
  place(fd);
}

/// Room on the disk that nobody has written.
static void hold_large_deleted(void) {
  int fd = (int)NEED(open(app_path("large"), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  NEED(unlink(app_path("large")));
  if (fallocate(fd, 0, 0, (off_t)1 << 30) != 0 || ftruncate(fd, ((off_t)1 << 30) + 1) != 0 ||
      pwrite(fd, "end", 3, (off_t)1 << 30) != 3)
    SKIP("no room for a large file here");
  place(fd);
}

/// It lives on under another name.
static void hold_renamed(void) {
  int fd = (int)NEED(open(app_path("one"), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  NEED(link(app_path("one"), app_path("other")));
  NEED(unlink(app_path("one")));
  place(fd);
}

static void hold_gone_folder(void) {
  NEED(mkdir(app_path("folder"), 0755));
  int fd = (int)NEED(open(app_path("folder"), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  NEED(rmdir(app_path("folder")));
  place(fd);
}

static void hold_gone_cwd(void) {
  NEED(mkdir(app_path("folder"), 0755));
  NEED(chdir(app_path("folder")));
  NEED(rmdir(app_path("folder")));
}

/// Nothing but a message holds a file that is open for writing.
static void hold_rights(void) {
  int ends[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  rights_give(ends[0], "x",
              (int)NEED(open(app_path("flying.db"), O_RDWR | O_CREAT | O_CLOEXEC, 0644)));
  place(ends[1]);
}

/// Of a process that has ended.
static void hold_sender(void) {
  int ends[2];
  NEED(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
  NEED(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    fds_write(ends[0], "sent by a child");
    _exit(0);
  }
  NEED(waitpid(child, NULL, 0));
  place(ends[1]);
}

/// A client of the app's own waits to be accepted.
static void hold_backlog(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", app_path("listener"));
  int listener = (int)NEED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(bind(listener, (struct sockaddr*)&address, sizeof address));
  NEED(listen(listener, 5));
  int client = (int)NEED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(connect(client, (struct sockaddr*)&address, sizeof address));
  place(listener);
}

static void hold_tcp_backlog(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  int listener = (int)NEED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(bind(listener, (struct sockaddr*)&address, sizeof address));
  NEED(listen(listener, 5));
  NEED(getsockname(listener, (struct sockaddr*)&address, &size));
  int client = (int)NEED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(connect(client, (struct sockaddr*)&address, sizeof address));
  place(listener);
}

static void hold_datagrams(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  int receiver = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(bind(receiver, (struct sockaddr*)&address, sizeof address));
  NEED(getsockname(receiver, (struct sockaddr*)&address, &size));
  int sender = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(sendto(sender, "unread", 6, 0, (struct sockaddr*)&address, size));
  close(sender);
  place(receiver);
}

static void hold_unix_datagrams(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", app_path("receiver"));
  int receiver = (int)NEED(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(bind(receiver, (struct sockaddr*)&address, sizeof address));
  int sender = (int)NEED(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(sendto(sender, "unread", 6, 0, (struct sockaddr*)&address, sizeof address));
  close(sender);
  place(receiver);
}

/// The other end belongs to a process that is no child of ours.
static void hold_outside_pipe(void) {
  int pipes[2], tell[2];
  NEED(pipe2(pipes, O_CLOEXEC));
  NEED(pipe2(tell, O_CLOEXEC));
  pid_t app = getpid(), child = (pid_t)NEED(fork());
  if (child == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    close(pipes[0]);
    NEED(write(tell[1], "x", 1));
    close(tell[0]);
    close(tell[1]);
    while (kill(app, 0) == 0 && getppid() != app) app_sleep_ms(20);
    _exit(0);
  }
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child, &info, WEXITED));
  char byte;
  close(tell[1]);
  CHECK_EQ("word of the other process", 1, read(tell[0], &byte, 1));
  close(tell[0]);
  close(pipes[1]);
  place(pipes[0]);
}

static void hold_terminal(void) {
  int controller = (int)NEED(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  place(controller);
}

/// Its slave is open as well: what waits in it is what cannot be kept.
static int open_pty(void) {
  int controller, terminal;
  struct termios mode;
  NEED(openpty(&controller, &terminal, NULL, NULL, NULL));
  NEED(tcgetattr(terminal, &mode));
  mode.c_lflag &= ~(tcflag_t)ECHO;
  NEED(tcsetattr(terminal, TCSANOW, &mode));
  place(controller);
  return terminal;
}

static void hold_pty_exclusive(void) {
  NEED(ioctl(open_pty(), TIOCEXCL));
}

static void hold_pty_output(void) {
  NEED(write(open_pty(), "unread", 6));
}

/// A line that has not ended.
static void hold_pty_line(void) {
  open_pty();
  NEED(write(kNumber, "half", 4));
}

static void hold_device(void) {
  int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (fd < 0) fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);
  if (fd < 0) SKIP("no device to open");
  place(fd);
}

static void hold_userfaultfd(void) {
#ifdef SYS_userfaultfd
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1 /* UFFD_USER_MODE_ONLY */);
  if (fd < 0) SKIP("this kernel allows no userfaultfd");
  place(fd);
#endif
}

static void hold_pidfd(void) {
  int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);
  if (fd < 0) SKIP("this kernel has no pidfd");
  place((int)NEED(fcntl(fd, F_DUPFD_CLOEXEC, 30)));
  close(fd);
}

static void* rest_in_thread(void* id) {
  *(pid_t*)id = (pid_t)syscall(SYS_gettid);
  for (;;) pause();
  return NULL;
}

static void hold_thread_pidfd(void) {
  static volatile pid_t id;
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, rest_in_thread, (void*)&id));
  while (id == 0) app_sleep_ms(1);
  int fd = (int)syscall(SYS_pidfd_open, id, O_EXCL);
  if (fd < 0) SKIP("this kernel has no pidfds of threads");
  place((int)NEED(fcntl(fd, F_DUPFD_CLOEXEC, 30)));
  close(fd);
}

static void hold_lock(void) {
  int fd = (int)NEED(open(app_path("locked"), O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
  NEED(flock(fd, LOCK_EX));
  place(fd);
}

static void hold_lease(void) {
  int fd = (int)NEED(open(app_path("leased"), O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
  NEED(fcntl(fd, F_SETLEASE, F_RDLCK));
  place(fd);
}

/// A lock of the process on a file that it maps as well.
static void lock_mapped(void) {
  int fd = (int)NEED(open(app_path("mapped"), O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
  NEED(truncate(app_path("mapped"), (off_t)app_page()));
  (void)NEED_MAP(mmap(NULL, app_page(), PROT_READ, MAP_PRIVATE, fd, 0));
  place(fd);
  NEED(fcntl(kNumber, F_SETLK, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET}));
}

/// "@abstract", "IPV4:PORT", or a path below the scratch folder.
static socklen_t address_of(const char* text, struct sockaddr_storage* address) {
  memset(address, 0, sizeof *address);
  struct sockaddr_un* un = (struct sockaddr_un*)address;
  struct sockaddr_in* in = (struct sockaddr_in*)address;
  const char* port = strchr(text, ':');
  if (text[0] >= '0' && text[0] <= '9' && port != NULL) {
    char host[32];
    snprintf(host, sizeof host, "%.*s", (int)(port - text), text);
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)atoi(port + 1));
    CHECK(inet_pton(AF_INET, host, &in->sin_addr) == 1);
    return sizeof *in;
  }
  un->sun_family = AF_UNIX;
  if (text[0] == '@') {
    memcpy(un->sun_path + 1, text + 1, strlen(text + 1));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));
  }
  snprintf(un->sun_path, sizeof un->sun_path, "%s", app_path(text));
  char* folder = strrchr(un->sun_path, '/');
  *folder = 0;
  mkdir(un->sun_path, 0755);
  *folder = '/';
  return sizeof *un;
}

/// A process that is no child of ours has the other ends, and ends with us.
static void connect_outside(char** addresses, int count) {
  struct sockaddr_storage address;
  int listeners[32];
  CHECK(count <= 32);
  for (int i = 0; i < count; i++) {
    socklen_t size = address_of(addresses[i], &address);
    listeners[i] = (int)NEED(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    NEED(bind(listeners[i], (struct sockaddr*)&address, size));
    NEED(listen(listeners[i], 1));
  }
  pid_t app = getpid(), child = (pid_t)NEED(fork());
  if (child == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    for (int i = 0; i < count; i++) NEED(accept(listeners[i], NULL, NULL));
    while (kill(app, 0) == 0) app_sleep_ms(20);
    _exit(0);
  }
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child, &info, WEXITED));
  for (int i = 0; i < count; i++) {
    close(listeners[i]);
    socklen_t size = address_of(addresses[i], &address);
    int client = (int)NEED(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    NEED(connect(client, (struct sockaddr*)&address, size));
    NEED(dup3(client, kNumber + i, O_CLOEXEC));
    close(client);
  }
}

static void hold_compositor(void) {
  char* address = "wayland-0";
  connect_outside(&address, 1);
}

static char** more_arguments;

static void hold_peers(void) {
  int count = 0;
  while (more_arguments[count] != NULL) count++;
  connect_outside(more_arguments, count);
}

/// A file without a name.
static int open_deleted(void) {
  int fd = (int)NEED(open(app_path("gone"), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  NEED(unlink(app_path("gone")));
  return fd;
}

/// Opened by root before the app became another user's, as by a service that drops its rights.
static void hold_foreign(void) {
  if (geteuid() != 0) SKIP("not root");
  place(open_deleted());
  NEED(chown(app_scratch, 12345, 12345));
  NEED(setresgid(12345, 12345, 12345));
  NEED(setresuid(12345, 12345, 12345));
}

static void hold_attributes(void) {
  int fd = open_deleted();
  if (fsetxattr(fd, "user.test", "x", 1, 0) != 0) SKIP("no extended attributes here");
  place(fd);
}

/// What lies beneath a guard is still there, and nothing shows it.
static void hold_guarded_shared(void) {
  char* area = NEED_MAP(
      mmap(NULL, 4 * app_page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  area[app_page()] = 1;
  if (madvise(area + app_page(), app_page(), 102 /* MADV_GUARD_INSTALL */) == -1)
    SKIP("this kernel has no guard regions in files");
}

/// mprotect(2) can make this mapping writable, and none that is made after the seal.
static void hold_sealed(void) {
  int fd = (int)NEED(memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  NEED(ftruncate(fd, (off_t)app_page()));
  CHECK(mmap(NULL, app_page(), PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
  if (fcntl(fd, F_ADD_SEALS, 0x10 /* F_SEAL_FUTURE_WRITE */) != 0) SKIP("no such seal here");
  place(fd);
}

/// A part of shared memory that nothing else leads to, with data in the rest.
static void hold_hidden(void) {
  size_t page = app_page();
  int fd = (int)NEED(memfd_create("hidden", MFD_CLOEXEC));
  NEED(ftruncate(fd, (off_t)(8 * page)));
  NEED(pwrite(fd, "here", 4, (off_t)page));
  (void)NEED_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(3 * page)));
  close(fd);
}

/// A page that the app has written hides what the file has there.
static void hold_deleted_private(void) {
  int fd = (int)NEED(open(app_path("deleted"), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  NEED(ftruncate(fd, (off_t)app_page()));
  char* area = NEED_MAP(mmap(NULL, app_page(), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  area[0] = 1;
  close(fd);
  NEED(unlink(app_path("deleted")));
  if (area_open(area, app_page()) >= 0) SKIP("who may open map_files sees it");
}

static void hold_pid_file(void) {
  int fd = (int)NEED(open(app_path("app.pid"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  dprintf(fd, "%d\n", getpid());
  place(fd);
}

/// A descriptor, a mapping and a child, none of which hides the others.
static void hold_several(void) {
  hold_shared_file();
  make_child();
  hold_writable_file();
}

static const struct holder holders[] = {
    {"seccomp", hold_seccomp},
    {"strict-mode", hold_strict_mode},
    {"filter-that-asks", hold_filter_that_asks},
    {"other-filter", hold_other_filter},
    {"last-filter", hold_last_filter},
    {"io_uring", hold_io_uring},
    {"tcp", hold_tcp},
    {"bpf-filter", hold_bpf_filter},
    {"packet-ring", hold_packet_ring},
    {"packet-fanout", hold_packet_fanout},
    {"corked", hold_corked},
    {"directory-notice", hold_directory_notice},
    {"message-queue", hold_message_queue},
    {"told-queue", hold_told_queue},
    {"relative-socket", hold_relative_socket},
    {"netlink-peer", hold_netlink_peer},
    {"writable", hold_writable_file},
    {"log", hold_log},
    {"shared-file", hold_shared_file},
    {"mono-area", hold_mono_area},
    {"shared-may-write", hold_shared_may_write},
    {"confined-thread", hold_confined_thread},
    {"filtered-thread", hold_filtered_thread},
    {"io-worker", hold_io_worker},
    {"sysv", hold_sysv},
    {"sysv-key", hold_sysv_key},
    {"sem-key", hold_sem_key},
    {"msg-key", hold_msg_key},
    {"sysv-part", hold_sysv_part},
    {"sysv-unattached", hold_sysv_unattached},
    {"sysv-outside", hold_sysv_outside},
    {"aio-busy", hold_aio_busy},
    {"aio-unread", hold_aio_unread},
    {"huge-memory", hold_huge_memory},
    {"fanotify", hold_fanotify},
    {"fanotify-decides", hold_fanotify_decides},
    {"large-deleted", hold_large_deleted},
    {"renamed", hold_renamed},
    {"gone-folder", hold_gone_folder},
    {"gone-cwd", hold_gone_cwd},
    {"rights", hold_rights},
    {"sender", hold_sender},
    {"backlog", hold_backlog},
    {"tcp-backlog", hold_tcp_backlog},
    {"datagrams", hold_datagrams},
    {"unix-datagrams", hold_unix_datagrams},
    {"outside-pipe", hold_outside_pipe},
    {"terminal", hold_terminal},
    {"pty-exclusive", hold_pty_exclusive},
    {"pty-output", hold_pty_output},
    {"pty-line", hold_pty_line},
    {"device", hold_device},
    {"userfaultfd", hold_userfaultfd},
    {"pidfd", hold_pidfd},
    {"thread-pidfd", hold_thread_pidfd},
    {"lock", hold_lock},
    {"lease", hold_lease},
    {"mapped-lock", lock_mapped},
    {"udp", hold_udp},
    {"compositor", hold_compositor},
    {"peers", hold_peers},
    {"hidden", hold_hidden},
    {"deleted-private", hold_deleted_private},
    {"pid-file", hold_pid_file},
    {"sealed", hold_sealed},
    {"guarded-shared", hold_guarded_shared},
    {"foreign", hold_foreign},
    {"attributes", hold_attributes},
    {"several", hold_several},
};

int main(int argc, char** argv) {
  more_arguments = argv + (argc > 5 ? 5 : argc);
  hold_named(argc, argv, holders, sizeof holders / sizeof *holders);
  return 0;
}
