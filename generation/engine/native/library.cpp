// What Python may call, and each small step by itself so that tests can hold it to its plain twin.
#include "forward.h"
#include "sample.h"

extern "C" {

Decoder* decoder_new(const Model* model, int threads) { return new Decoder(*model, threads); }
void decoder_free(Decoder* decoder) { delete decoder; }
void decoder_forward(Decoder* decoder, const Batch* batch) { decoder->forward(*batch); }

int64_t packed_bytes(int out, int in, int bits) {
  return static_cast<int64_t>(out / LANES) * (in / GROUP) * tile_bytes(bits);
}

// weight bf16 (rows, in) -> tiles of `out` rows, those from `rows` on being zero.
void pack(const uint16_t* weight, int rows, int out, int in, int bits, uint8_t* tiles) {
  std::memset(tiles, 0, packed_bytes(out, in, bits));
  const int groups = in / GROUP;
  for (int row = 0; row < rows; row++)
    for (int g = 0; g < groups; g++)
      pack_group(weight + static_cast<size_t>(row) * in + g * GROUP, bits, row % LANES,
                 tiles + (static_cast<size_t>(row / LANES) * groups + g) * tile_bytes(bits));
}

void quantize(const float* x, int rows, int size, const Quantized* to) {
  for (int row = 0; row < rows; row++)
    quantize_row(x + static_cast<size_t>(row) * size, size, row, *to);
}

void multiply(const Linear* w, const Quantized* x, int rows, float* y) {
  linear(*w, *x, rows, y, false, 0, w->out / LANES);
}

float tiles(const float* w, int rows, int columns, int width, _Float16* tiles) {
  return half_tiles(w, rows, columns, width, tiles);
}

void norm(const float* x, const float* weight, int size, float eps, float* y) {
  rms_norm(x, weight, size, eps, y);
}

void silu_gate(const float* gate_up, int size, float* y) { gate(gate_up, size, y); }

void turn(const float* x, const float* cosines, const float* sines, int size, float* y) {
  rotate(x, cosines, sines, size, y);
}

void put(_Float16* keys, _Float16* values, int position, int size, const float* key,
         const float* value) {
  store_key(keys, position, size, key);
  store_value(values, position, size, value);
}

void attention(const float* q, const _Float16* keys, const _Float16* values, int size, int length,
               int heads, float* room, float* out) {
  attend_group(q, keys, values, size, length, room, length + PAIR, heads, out);
}

void all_finite(Rows logits, bool* found) {
  for (int row = 0; row < logits.count; row++) found[row] = finite(logits.at(row), logits.size);
}

void apply_mask(Rows logits, const int32_t* bits, int words) {
  for (int row = 0; row < logits.count; row++)
    mask(logits.at(row), logits.size, bits + static_cast<size_t>(row) * words);
}

void sample(Rows logits, const Rule* rules, float* room, int32_t* tokens) {
  for (int row = 0; row < logits.count; row++)
    tokens[row] = choose(logits.at(row), logits.size, rules[row], room);
}
}
