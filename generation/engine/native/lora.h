// Low-rank additions: every run of neighbouring rows may wear an adapter of its own.
#pragma once
#include <type_traits>

#include "vec.h"

constexpr int AHEAD = 2048;  // numbers: adapters are many, and rarely in a cache
constexpr int CHAINS = 4;    // sums kept apart, always as many, so that a row's rounding is its own

// The addition to one target: y[offset..] += up (down x). Ranks are padded to a multiple of 16.
struct Delta {
  int32_t rank, in, out, offset;
  const _Float16* down;  // (rank / 16, in, 16)
  const _Float16* up;    // (out / 16, rank, 16), times the adapter's scale
};

// Rows [begin, end) of the batch; `deltas` is (layers, targets), or null for the bare base.
struct Segment {
  int32_t begin, end;
  const Delta* deltas;
};

inline void ahead(const _Float16* p) { __builtin_prefetch(p + AHEAD); }

// u (R rows, u_stride) = down x for 16 ranks.
template <int R>
inline void lora_down(const _Float16* down, int in, const float* x, int stride, float* u,
                      int u_stride) {
  v16f total[CHAINS][R] = {};
  for (int k = 0; k < in; k += CHAINS, down += CHAINS * LANES) {
    ahead(down);
    ahead(down + 2 * LANES);
#pragma GCC unroll 4
    for (int c = 0; c < CHAINS; c++) {
      const v16f a = load_half(down + c * LANES);
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) total[c][r] = fma(a, all(x[r * stride + k + c]), total[c][r]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++)
    store(u + r * u_stride, (total[0][r] + total[1][r]) + (total[2][r] + total[3][r]));
}

// y (R rows, stride) += up u for 16 outputs; ranks come by 16.
template <int R>
inline void lora_up(const _Float16* up, int rank, const float* u, int width, float* y, int stride) {
  v16f total[R] = {};
  for (int first = 0; first < rank; first += LANES, up += LANES * LANES) {
#pragma GCC unroll 16
    for (int k = 0; k < LANES; k++) {
      if (k % 2 == 0) ahead(up + k * LANES);
      const v16f b = load_half(up + k * LANES);
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) total[r] = fma(b, all(u[r * width + first + k]), total[r]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) store(y + r * stride, load(y + r * stride) + total[r]);
}

// Calls `work` with the rows of a segment, four at a time, and then with those that are left.
template <class Work>
inline void by_fours(const Segment& segment, Work work) {
  int row = segment.begin;
  for (; row + 4 <= segment.end; row += 4) work(std::integral_constant<int, 4>(), row);
  if (segment.end - row == 3) work(std::integral_constant<int, 3>(), row);
  if (segment.end - row == 2) work(std::integral_constant<int, 2>(), row);
  if (segment.end - row == 1) work(std::integral_constant<int, 1>(), row);
}

// u (rows, width) = down x for one block of 16 ranks and the rows of one segment.
inline void lora_down_rows(const Segment& segment, const Delta& delta, int block, const float* x,
                           float* u, int width) {
  const _Float16* down = delta.down + static_cast<size_t>(block) * delta.in * LANES;
  by_fours(segment, [&](auto rows, int row) {
    lora_down<rows.value>(down, delta.in, x + static_cast<size_t>(row) * delta.in, delta.in,
                          u + static_cast<size_t>(row) * width + block * LANES, width);
  });
}

// y (rows, stride) += up u for the share of thread `id` and the rows of one segment.
inline void lora_up_rows(const Segment& segment, const Delta& delta, const float* u, int width,
                         float* y, int stride, int id, int threads) {
  const int count = delta.out / LANES;
  for (int tile = count * id / threads; tile < count * (id + 1) / threads; tile++) {
    const _Float16* up = delta.up + static_cast<size_t>(tile) * delta.rank * LANES;
    float* out = y + delta.offset + tile * LANES;
    by_fours(segment, [&](auto rows, int row) {
      lora_up<rows.value>(up, delta.rank, u + static_cast<size_t>(row) * width, width,
                          out + static_cast<size_t>(row) * stride, stride);
    });
  }
}

// w (rows, columns) as half-precision tiles (rows / 16, width, 16), rows and columns padded by
// zeros. Returns the largest magnitude, or what is not finite.
inline float half_tiles(const float* w, int rows, int columns, int width, _Float16* tiles) {
  v16f top{}, broken{};
  for (int first = 0; first < rows; first += LANES, tiles += static_cast<size_t>(width) * LANES) {
    const float* from = w + static_cast<size_t>(first) * columns;
    const int lanes = std::min(LANES, rows - first);
    for (int k = 0; k < width; k++) {
      float numbers[LANES] = {};
      if (k < columns)
        for (int lane = 0; lane < lanes; lane++)
          numbers[lane] = from[static_cast<size_t>(lane) * columns + k];
      const v16f column = load(numbers);
      top = larger(top, larger(column, -column));
      broken += column * 0.0f;  // NaN for anything but a number
      store_half(tiles + static_cast<size_t>(k) * LANES, column);
    }
  }
  return sum(broken) == 0.0f ? largest(top) : INFINITY;
}
