// The whole decoder for one batch: threads walk through it together, a barrier after each stage.
#pragma once
#include <memory>

#include "layer.h"
#include "lora.h"
#include "pool.h"

constexpr int TARGETS = 7;  // q, k, v, o, gate, up, down
enum Target { Q = 0, O = 3, GATE = 4, DOWN = 6 };
constexpr int SHARED = TARGETS + 1;  // what threads take by chunks in a layer: maps, attention
constexpr int CHUNKS = 8;            // of each thread, if none is held up

struct Layer {
  Linear qkv, out, gate_up, down;
  const float* attention_norm;
  const float* mlp_norm;
};

struct Model {
  int32_t hidden, inner, layers, heads, kv_heads, head_size, context, slots;
  float eps;
  const uint16_t* embedding;  // bf16 (vocabulary, hidden)
  const float* norm;
  const float* cosines;  // (context, head_size / 2)
  const float* sines;
  const Layer* layer;
  Linear head;
  _Float16* keys;  // (layers, slots, kv_heads, context, head_size)
  _Float16* values;
};

struct Batch {
  int32_t rows, wanted, segments, max_rank;
  const int32_t* tokens;
  const int32_t* slots;
  const int32_t* positions;
  const int32_t* wanted_rows;
  const Segment* segment;
  float* logits;  // (wanted, head.out)
};

// Room for the numbers between stages; grows with the largest batch seen.
struct Room {
  std::vector<float> x, normed, qkv, mixed, wide, inner, low, scales, sums;
  std::vector<int8_t> numbers;
  std::vector<std::vector<float>> scores;
};

class Decoder {
 public:
  Decoder(const Model& model, int threads) 
      : m_(model), pool_(threads), next_(new std::atomic<int>[model.layers * SHARED + 1]) {
    room_.scores.resize(threads);
    for (auto& own : room_.scores) own.resize(4 * (model.context + PAIR));
  }

  void forward(const Batch& batch) {
    fit(batch);
    b_ = &batch;
    for (int i = 0; i <= m_.layers * SHARED; i++) next_[i].store(0);
    pool_.run([this](int id) { walk(id); });
  }

 private:
  int query_size() const { return m_.heads * m_.head_size; }
  int kv_size() const { return m_.kv_heads * m_.head_size; }
  int qkv_size() const { return m_.layer[0].qkv.out; }

  void fit(const Batch& batch) {
    const size_t n = (std::max(batch.rows, batch.wanted) + ROWS - 1) / ROWS * ROWS;
    const size_t widest = std::max({m_.hidden, m_.inner, query_size()});
    auto grow = [](auto& room, size_t size) {
      if (room.size() < size) room.resize(size);
    };
    grow(room_.x, n * m_.hidden);
    grow(room_.normed, n * m_.hidden);
    grow(room_.qkv, n * qkv_size());
    grow(room_.mixed, n * query_size());
    grow(room_.wide, n * 2 * m_.inner);
    grow(room_.inner, n * m_.inner);
    grow(room_.low, 3 * n * batch.max_rank);
    grow(room_.numbers, n * widest);
    grow(room_.scales, n * widest / GROUP);
    grow(room_.sums, n * widest / GROUP);
  }

  void walk(int id) {
    share(id, b_->rows, [&](int row) { embed(row); });
    pool_.barrier.arrive();
    for (int number = 0; number < m_.layers; number++) {
      const Layer& layer = m_.layer[number];
      normalize(id, layer.attention_norm);
      apply(id, number, Q, 3, layer.qkv, room_.normed.data(), room_.qkv.data(), false);
      share(id, b_->rows, [&](int row) { place(number, row); });
      pool_.barrier.arrive();
      attention(id, number);
      pool_.barrier.arrive();
      quantize(id, room_.mixed.data(), query_size());
      apply(id, number, O, 1, layer.out, room_.mixed.data(), room_.x.data(), true);
      normalize(id, layer.mlp_norm);
      apply(id, number, GATE, 2, layer.gate_up, room_.normed.data(), room_.wide.data(), false);
      activate(id);
      apply(id, number, DOWN, 1, layer.down, room_.inner.data(), room_.x.data(), true);
    }
    finish(id);
  }

  // Rows in equal shares. Those of a block lie side by side, so where there are enough blocks no
  // two threads write to the same one.
  template <class Work>
  void share(int id, int count, Work work) {
    const int threads = pool_.size(), unit = count < ROWS * threads ? 1 : ROWS;
    const int units = (count + unit - 1) / unit;
    const int end = std::min(count, units * (id + 1) / threads * unit);
    for (int i = units * id / threads * unit; i < end; i++) work(i);
  }

  // Threads take one chunk after another, so that one that other work holds up takes fewer.
  template <class Work>
  void take(std::atomic<int>& next, int count, int chunk, Work work) {
    for (int begin = next.fetch_add(chunk); begin < count; begin = next.fetch_add(chunk))
      work(begin, std::min(begin + chunk, count));
  }

  void multiply(std::atomic<int>& next, const Linear& w, int rows, float* y, bool add) {
    const int count = w.out / LANES, threads = pool_.size();
    const int chunk = threads == 1 ? count : std::max(1, count / (CHUNKS * threads));
    take(next, count, chunk, [&](int begin, int end) {
      linear(w, numbers(), rows, y, add, begin, end);
    });
  }

  Quantized numbers() {
    return {room_.numbers.data(), room_.scales.data(), room_.sums.data()};
  }

  void embed(int row) {
    const uint16_t* from = m_.embedding + static_cast<size_t>(b_->tokens[row]) * m_.hidden;
    float* to = room_.x.data() + static_cast<size_t>(row) * m_.hidden;
    for (int i = 0; i < m_.hidden; i++) to[i] = from_bf16(from[i]);
  }

  void normalize(int id, const float* weight) {
    share(id, b_->rows, [&](int row) {
      const size_t at = static_cast<size_t>(row) * m_.hidden;
      rms_norm(room_.x.data() + at, weight, m_.hidden, m_.eps, room_.normed.data() + at);
      quantize_row(room_.normed.data() + at, m_.hidden, row, numbers());
    });
    pool_.barrier.arrive();
  }

  void quantize(int id, const float* x, int size) {
    share(id, b_->rows, [&](int row) {
      quantize_row(x + static_cast<size_t>(row) * size, size, row, numbers());
    });
    pool_.barrier.arrive();
  }

  // y (+)= w x, with what each segment's adapter adds to the `parts` targets from `target` on.
  void apply(int id, int number, int target, int parts, const Linear& w, const float* x, float* y,
             bool add) {
    const int width = 3 * b_->max_rank;
    int unit = 0;
    each_delta(number, target, parts, [&](const Segment& segment, const Delta& delta, int part) {
      float* u = room_.low.data() + part * b_->max_rank;
      for (int block = 0; block < delta.rank / LANES; block++)
        if (unit++ % pool_.size() == id) lora_down_rows(segment, delta, block, x, u, width);
    });
    multiply(next_[number * SHARED + target], w, b_->rows, y, add);
    pool_.barrier.arrive();
    if (b_->max_rank == 0) return;
    each_delta(number, target, parts, [&](const Segment& segment, const Delta& delta, int part) {
      const float* u = room_.low.data() + part * b_->max_rank;
      lora_up_rows(segment, delta, u, width, y, w.out, id, pool_.size());
    });
    pool_.barrier.arrive();
  }

  template <class Work>
  void each_delta(int number, int target, int parts, Work work) {
    for (int s = 0; s < b_->segments; s++) {
      const Segment& segment = b_->segment[s];
      if (segment.deltas == nullptr) continue;
      for (int part = 0; part < parts; part++) {
        const Delta& delta = segment.deltas[number * TARGETS + target + part];
        if (delta.rank > 0) work(segment, delta, part);
      }
    }
  }

  size_t cached(int number, int slot, int head) const {
    const size_t at = (static_cast<size_t>(number) * m_.slots + slot) * m_.kv_heads + head;
    return at * m_.context * m_.head_size;
  }

  // Rotates a row's queries (scaled for the softmax) and puts its keys and values into its slot.
  void place(int number, int row) {
    const int size = m_.head_size, slot = b_->slots[row], position = b_->positions[row];
    const float* cosines = m_.cosines + static_cast<size_t>(position) * size / 2;
    const float* sines = m_.sines + static_cast<size_t>(position) * size / 2;
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    float* x = room_.qkv.data() + static_cast<size_t>(row) * qkv_size();
    float turned[512];
    for (int head = 0; head < m_.heads; head++, x += size) {
      rotate(x, cosines, sines, size, turned);
      for (int d = 0; d < size; d++) x[d] = turned[d] * scale;
    }
    for (int head = 0; head < m_.kv_heads; head++, x += size) {
      rotate(x, cosines, sines, size, turned);
      store_key(m_.keys + cached(number, slot, head), position, size, turned);
      store_value(m_.values + cached(number, slot, head), position, size, x + kv_size());
    }
  }

  // Rows differ in length, so threads take one (row, key head) after another.
  void attention(int id, int number) {
    const int units = b_->rows * m_.kv_heads, group = m_.heads / m_.kv_heads;
    take(next_[number * SHARED + TARGETS], units, 1, [&](int unit, int) {
      const int row = unit / m_.kv_heads, head = unit % m_.kv_heads;
      const size_t at = cached(number, b_->slots[row], head);
      const size_t first = static_cast<size_t>(head) * group * m_.head_size;
      attend_group(room_.qkv.data() + static_cast<size_t>(row) * qkv_size() + first, m_.keys + at,
                   m_.values + at, m_.head_size, b_->positions[row] + 1, room_.scores[id].data(),
                   m_.context + PAIR, group,
                   room_.mixed.data() + static_cast<size_t>(row) * query_size() + first);
    });
  }

  void activate(int id) {
    share(id, b_->rows, [&](int row) {
      float* to = room_.inner.data() + static_cast<size_t>(row) * m_.inner;
      gate(room_.wide.data() + static_cast<size_t>(row) * 2 * m_.inner, m_.inner, to);
      quantize_row(to, m_.inner, row, numbers());
    });
    pool_.barrier.arrive();
  }

  void finish(int id) {
    share(id, b_->wanted, [&](int i) {
      const float* from = room_.x.data() + static_cast<size_t>(b_->wanted_rows[i]) * m_.hidden;
      float* to = room_.normed.data() + static_cast<size_t>(i) * m_.hidden;
      rms_norm(from, m_.norm, m_.hidden, m_.eps, to);
      quantize_row(to, m_.hidden, i, numbers());
    });
    pool_.barrier.arrive();
    multiply(next_[m_.layers * SHARED], m_.head, b_->wanted, b_->logits, false);
  }

  Model m_;
  Pool pool_;
  Room room_;
  const Batch* b_ = nullptr;
  std::unique_ptr<std::atomic<int>[]> next_;
};
