// Threads that stay, and a barrier that spins briefly and then sleeps: other work shares the cores.
#pragma once
#include <atomic>
#include <functional>
#include <thread>
#include <vector>
#ifdef __SSE2__
#include <immintrin.h>
#endif

constexpr int SPINS = 500;

inline void relax() {
#ifdef __SSE2__
  _mm_pause();
#endif
}

inline void await_change(std::atomic<uint32_t>& word, uint32_t old) {
  for (int i = 0; i < SPINS; i++) {
    if (word.load(std::memory_order_acquire) != old) return;
    relax();
  }
  while (word.load(std::memory_order_acquire) == old) word.wait(old);
}

class Barrier {
 public:
  explicit Barrier(int count) : count_(count) {}

  void arrive() {
    if (count_ == 1) return;
    uint32_t round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == count_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.fetch_add(1, std::memory_order_release);
      round_.notify_all();
    } else {
      await_change(round_, round);
    }
  }

 private:
  int count_;
  std::atomic<int> arrived_{0};
  std::atomic<uint32_t> round_{0};
};

class Pool {
 public:
  explicit Pool(int count) : count_(count), barrier(count) {
    for (int id = 1; id < count; id++) threads_.emplace_back([this, id] { serve(id); });
  }

  ~Pool() {
    stop_ = true;
    release();
    for (auto& thread : threads_) thread.join();
  }

  int size() const { return count_; }

  // Runs `work(id)` on every thread, the caller's being number 0.
  void run(const std::function<void(int)>& work) {
    work_ = &work;
    if (count_ > 1) release();
    work(0);
    barrier.arrive();
  }

 private:
  void release() {
    start_.fetch_add(1, std::memory_order_release);
    start_.notify_all();
  }

  void serve(int id) {
    uint32_t seen = 0;
    while (true) {
      await_change(start_, seen);
      seen++;
      if (stop_) return;
      (*work_)(id);
      barrier.arrive();
    }
  }

  int count_;
  const std::function<void(int)>* work_ = nullptr;
  std::atomic<uint32_t> start_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;

 public:
  Barrier barrier;
};
