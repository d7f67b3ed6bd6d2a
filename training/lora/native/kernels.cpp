// The small steps of training between the matrix products: bf16 in memory, float32 in registers.
// Rows are shared out between threads; every step has a plain twin in ../ops.py and a test.
#include "pool.h"
#include "vec.h"

#include <algorithm>
#include <functional>
#include <memory>

namespace {

using bf16 = uint16_t;
inline bf16 narrow(float wide) {
  uint32_t bits;
  std::memcpy(&bits, &wide, sizeof bits);
  return static_cast<bf16>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

std::unique_ptr<Pool> pool = std::make_unique<Pool>(1);

void each_row(int64_t rows, const std::function<void(int64_t)>& work) {
  const int threads = pool->size();
  pool->run([&](int id) {
    for (int64_t row = rows * id / threads; row < rows * (id + 1) / threads; row++) work(row);
  });
}

inline v16f sigmoid(v16f x) {
  const v16f e = exp_negative(select(x < 0, x, -x));
  return select(x < 0, e, all(1.0f)) * reciprocal(e + 1.0f);
}

// Sixteen scores from `i` on, the lowest number standing for those from `seen` on.
inline v16f seen_of(const bf16* row, int i, int seen) {
  return select(places() < seen - i, load_bf16(row + i), all(-3.0e38f));
}

inline float scale_of(const bf16* x, int size, float eps) {
  v16f squares = all(0);
  for (int i = 0; i < size; i += LANES) squares = fma(load_bf16(x + i), load_bf16(x + i), squares);
  return 1 / std::sqrt(sum(squares) / size + eps);
}

// Turns one head: each pair (i, i + half) by its angle; `sign` -1 turns it back.
void turn(const bf16* from, const float* cosines, const float* sines, int half, float sign, bf16* to) {
  for (int i = 0; i < half; i += LANES) {
    const v16f a = load_bf16(from + i), b = load_bf16(from + half + i);
    const v16f c = load(cosines + i), s = load(sines + i) * sign;
    store_bf16(to + i, a * c - b * s);
    store_bf16(to + half + i, b * c + a * s);
  }
}

}  // namespace

extern "C" {

// Where each token's heads lie in the padded groups, and by what angles they are turned.
struct Layout {
  int64_t tokens;
  int32_t heads, kv_heads, size;
  const int64_t* places;  // token -> row of the keys' first head
  const int64_t* strides;  // token -> rows from one key head to the next
  const float* cosines;  // (tokens, size / 2)
  const float* sines;
};

void set_threads(int threads) {
  if (threads != pool->size()) pool = std::make_unique<Pool>(threads);
}

// total = x + more; normed = total / rms(total) * weight. `more` may be null.
void add_norm(const bf16* x, const bf16* more, const bf16* weight, int64_t rows, int size, float eps,
              bf16* total, bf16* normed) {
  each_row(rows, [=](int64_t row) {
    bf16* own = total + row * size;
    for (int i = 0; i < size; i += LANES) {
      const v16f value = load_bf16(x + row * size + i);
      store_bf16(own + i, more ? value + load_bf16(more + row * size + i) : value);
    }
    const v16f scale = all(scale_of(own, size, eps));
    for (int i = 0; i < size; i += LANES)
      store_bf16(normed + row * size + i, load_bf16(own + i) * scale * load_bf16(weight + i));
  });
}

// The gradient of `total` from its own (may be null) and from that of `normed`.
void add_norm_backward(const bf16* total, const bf16* weight, const bf16* d_total, const bf16* d_normed,
                       int64_t rows, int size, float eps, bf16* d_x) {
  each_row(rows, [=](int64_t row) {
    const bf16 *own = total + row * size, *grad = d_normed + row * size;
    const float scale = scale_of(own, size, eps);
    v16f dot = all(0);
    for (int i = 0; i < size; i += LANES)
      dot = fma(load_bf16(grad + i) * load_bf16(weight + i), load_bf16(own + i), dot);
    const v16f pull = all(sum(dot) / size * scale * scale), wide = all(scale);
    for (int i = 0; i < size; i += LANES) {
      v16f value = (load_bf16(grad + i) * load_bf16(weight + i) - load_bf16(own + i) * pull) * wide;
      if (d_total) value += load_bf16(d_total + row * size + i);
      store_bf16(d_x + row * size + i, value);
    }
  });
}

// gate_up (rows, 2 size) -> silu(gate) * up (rows, size).
void swiglu(const bf16* gate_up, int64_t rows, int size, bf16* out) {
  each_row(rows, [=](int64_t row) {
    const bf16 *gate = gate_up + row * 2 * size, *up = gate + size;
    for (int i = 0; i < size; i += LANES) {
      const v16f x = load_bf16(gate + i);
      store_bf16(out + row * size + i, x * sigmoid(x) * load_bf16(up + i));
    }
  });
}

void swiglu_backward(const bf16* gate_up, const bf16* d_out, int64_t rows, int size, bf16* d_gate_up) {
  each_row(rows, [=](int64_t row) {
    const bf16 *gate = gate_up + row * 2 * size, *up = gate + size;
    bf16 *d_gate = d_gate_up + row * 2 * size, *d_up = d_gate + size;
    for (int i = 0; i < size; i += LANES) {
      const v16f x = load_bf16(gate + i), d = load_bf16(d_out + row * size + i), share = sigmoid(x);
      store_bf16(d_up + i, d * x * share);
      store_bf16(d_gate + i, d * load_bf16(up + i) * share * (x * (1.0f - share) + 1.0f));
    }
  });
}

// qkv (tokens, (heads + 2 kv_heads) * size) -> the padded groups' turned q and k, and v.
void split_heads(const Layout* layout, const bf16* qkv, bf16* q, bf16* k, bf16* v) {
  const int size = layout->size, groups = layout->heads / layout->kv_heads, half = size / 2;
  const int64_t width = (layout->heads + 2 * layout->kv_heads) * size;
  each_row(layout->tokens, [=](int64_t token) {
    const bf16* from = qkv + token * width;
    const bf16 *keys = from + layout->heads * size, *values = keys + layout->kv_heads * size;
    const float *cosines = layout->cosines + token * half, *sines = layout->sines + token * half;
    for (int head = 0; head < layout->kv_heads; head++) {
      const int64_t row = layout->places[token] + head * layout->strides[token];
      for (int g = 0; g < groups; g++)
        turn(from + (head * groups + g) * size, cosines, sines, half, 1, q + (row * groups + g) * size);
      turn(keys + head * size, cosines, sines, half, 1, k + row * size);
      std::memcpy(v + row * size, values + head * size, size * sizeof(bf16));
    }
  });
}

void split_heads_backward(const Layout* layout, const bf16* q, const bf16* k, const bf16* v, bf16* qkv) {
  const int size = layout->size, groups = layout->heads / layout->kv_heads, half = size / 2;
  const int64_t width = (layout->heads + 2 * layout->kv_heads) * size;
  each_row(layout->tokens, [=](int64_t token) {
    bf16* to = qkv + token * width;
    bf16 *keys = to + layout->heads * size, *values = keys + layout->kv_heads * size;
    const float *cosines = layout->cosines + token * half, *sines = layout->sines + token * half;
    for (int head = 0; head < layout->kv_heads; head++) {
      const int64_t row = layout->places[token] + head * layout->strides[token];
      for (int g = 0; g < groups; g++)
        turn(q + (row * groups + g) * size, cosines, sines, half, -1, to + (head * groups + g) * size);
      turn(k + row * size, cosines, sines, half, -1, keys + head * size);
      std::memcpy(values + head * size, v + row * size, size * sizeof(bf16));
    }
  });
}

// The padded groups' outputs (as q lies) -> (tokens, heads * size), and back.
void join_heads(const Layout* layout, const bf16* padded, bf16* flat) {
  const int64_t chunk = layout->heads / layout->kv_heads * layout->size;
  each_row(layout->tokens, [=](int64_t token) {
    for (int head = 0; head < layout->kv_heads; head++) {
      const int64_t row = layout->places[token] + head * layout->strides[token];
      std::memcpy(flat + (token * layout->kv_heads + head) * chunk, padded + row * chunk, chunk * 2);
    }
  });
}

void join_heads_backward(const Layout* layout, const bf16* flat, bf16* padded) {
  const int64_t chunk = layout->heads / layout->kv_heads * layout->size;
  each_row(layout->tokens, [=](int64_t token) {
    for (int head = 0; head < layout->kv_heads; head++) {
      const int64_t row = layout->places[token] + head * layout->strides[token];
      std::memcpy(padded + row * chunk, flat + (token * layout->kv_heads + head) * chunk, chunk * 2);
    }
  });
}

// scores (blocks, length * groups, length), in place: softmax of scale * scores over what lies
// at or before each row's own position; 0 after it. `length` is a multiple of LANES.
void causal_softmax(bf16* scores, int64_t blocks, int length, int groups, float scale) {
  each_row(blocks * length, [=](int64_t place) {
    thread_local std::vector<float> room;
    room.resize(length);
    const int seen = place % length + 1, whole = (seen + LANES - 1) / LANES * LANES;
    for (int g = 0; g < groups; g++) {
      bf16* row = scores + (place * groups + g) * length;
      v16f best = seen_of(row, 0, seen) * scale;
      for (int i = LANES; i < whole; i += LANES) best = larger(best, seen_of(row, i, seen) * scale);
      const v16f top = all(largest(best));
      v16f total = all(0);
      for (int i = 0; i < whole; i += LANES) {
        const v16f grown = exp_negative(seen_of(row, i, seen) * scale - top);
        store(room.data() + i, grown);
        total += grown;
      }
      const v16f share = all(1 / sum(total));
      for (int i = 0; i < whole; i += LANES) store_bf16(row + i, load(room.data() + i) * share);
      std::fill(row + whole, row + length, bf16{0});
    }
  });
}

// d_shares, in place, becomes the gradient of the scores.
void causal_softmax_backward(const bf16* shares, bf16* d_shares, int64_t blocks, int length, int groups,
                             float scale) {
  each_row(blocks * length, [=](int64_t place) {
    const int seen = place % length + 1, whole = (seen + LANES - 1) / LANES * LANES;
    for (int g = 0; g < groups; g++) {
      const bf16* row = shares + (place * groups + g) * length;
      bf16* grad = d_shares + (place * groups + g) * length;
      v16f dot = all(0);
      for (int i = 0; i < whole; i += LANES) dot = fma(load_bf16(row + i), load_bf16(grad + i), dot);
      const v16f mean = all(sum(dot));
      for (int i = 0; i < whole; i += LANES)
        store_bf16(grad + i, load_bf16(row + i) * (load_bf16(grad + i) - mean) * scale);
      std::fill(grad + whole, grad + length, bf16{0});
    }
  });
}

// logits (rows, size), in place, become the gradient of each row's own loss, which goes to `losses`.
void cross_entropy(bf16* logits, const int64_t* targets, int64_t rows, int size, float smoothing,
                   float* losses) {
  each_row(rows, [=](int64_t number) {
    bf16* row = logits + number * size;
    const int64_t target = targets[number];
    const float own = from_bf16(row[target]);
    v16f best = load_bf16(row), plain = all(0);
    for (int i = 0; i < size; i += LANES) {
      best = larger(best, load_bf16(row + i));
      plain += load_bf16(row + i);
    }
    const v16f top = all(largest(best));
    v16f total = all(0);
    for (int i = 0; i < size; i += LANES) total += exp_negative(load_bf16(row + i) - top);
    const float mass = sum(total), level = top[0] + std::log(mass);
    losses[number] = level - (1 - smoothing) * own - smoothing * sum(plain) / size;
    const v16f share = all(1 / mass), even = all(smoothing / size);
    for (int i = 0; i < size; i += LANES)
      store_bf16(row + i, exp_negative(load_bf16(row + i) - top) * share - even);
    row[target] = narrow(std::exp(own - top[0]) / mass - smoothing / size - (1 - smoothing));
  });
}
}
