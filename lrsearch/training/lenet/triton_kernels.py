"""What runs on the GPU for `triton_conv`, which describes it: a kernel is a function, written for one program of it.

Upper-case arguments are constants for the compiler, and a kernel is compiled for every set of them; `CHANNELS`,
`OUTPUTS`, `SIDE` of the images, `WINDOWS` in a row of them and `BATCH` describe the layer, `BLOCK` is how many images a
program has side by side and `GROUP` how many outputs. Tuples are unrolled; what is in them lives in registers.
"""

from __future__ import annotations

import triton
import triton.language as tl

_PIXEL_SCALE = tl.constexpr(127.5)
CLOSED = tl.constexpr(4)

# Not compiled anew for one lane, for a number of them that sixteen divides, or for where rows of parameters begin. That
# images are aligned is worth knowing: they are read four at a time (with an odd batch, those of several lanes are not).
ANY_LANES = {
    "do_not_specialize": ["weights_stride", "bias_stride", "lanes"],
    "do_not_specialize_on_alignment": ["weights_ptr", "bias_ptr"],
}


@triton.jit
def padded(
    x_ptr,
    images_ptr,
    SIDE: tl.constexpr,
    PADDING: tl.constexpr,
    BATCH: tl.constexpr,
    COLUMNS: tl.constexpr,
    BLOCK: tl.constexpr,
    STORED: tl.constexpr,
):
    """Write one row of pixels of some images."""
    width: tl.constexpr = SIDE + 2 * PADDING
    blocks: tl.constexpr = (BATCH + BLOCK - 1) // BLOCK
    row, lane = tl.program_id(0) // blocks, tl.program_id(1).to(tl.int64)
    image = (tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK))[None, :]
    column = tl.arange(0, COLUMNS)[:, None]
    y, x = row - PADDING, column - PADDING
    inside = (y >= 0) & (y < SIDE) & (x >= 0) & (x < SIDE) & (image < BATCH)
    pixel = tl.load(x_ptr + ((lane * BATCH + image) * SIDE + y) * SIDE + x, mask=inside, other=0)
    if STORED:
        # A true division, as on the CPU: 1/127.5 rounds, and every pixel with it.
        pixel = tl.div_rn(pixel.to(tl.float32), _PIXEL_SCALE) - 1.0
    pixel = tl.where(inside, pixel, 0.0).to(images_ptr.dtype.element_ty)
    at = ((lane * width + row) * width + column) * BATCH + image
    tl.store(images_ptr + at, pixel, mask=(column < width) & (image < BATCH))


@triton.jit
def _patch(ptr, SIDE: tl.constexpr, BATCH: tl.constexpr, mask):
    """Return the 36 pixels of a patch, each for some images, from the pointers to its first."""
    patch = ()
    for y in tl.static_range(6):
        for x in tl.static_range(6):
            patch = patch + (tl.load(ptr + (y * SIDE + x) * BATCH, mask=mask, other=0.0),)
    return patch


@triton.jit
def _zeros(COUNT: tl.constexpr, BLOCK: tl.constexpr, dtype: tl.constexpr):
    """Return COUNT sums of 0."""
    zeros = ()
    for _ in tl.static_range(COUNT):
        zeros = zeros + (tl.zeros([BLOCK], dtype),)
    return zeros


@triton.jit
def _split(place, gradient):
    """Return the gradients of the four values of a window, of which the largest takes it all."""
    split = ()
    for p in tl.static_range(4):
        split = split + (tl.where(place == p, gradient, 0.0),)
    return split


@triton.jit
def _convolved(z, patch, weights_ptr):
    """Add to the four outputs of a window what one channel brings them."""
    z0, z1, z2, z3 = z
    for y in tl.static_range(5):
        for x in tl.static_range(5):
            w = tl.load(weights_ptr + (5 * y + x))
            z0 += w * patch[6 * y + x]
            z1 += w * patch[6 * y + x + 1]
            z2 += w * patch[6 * y + x + 6]
            z3 += w * patch[6 * y + x + 7]
    return z0, z1, z2, z3


@triton.jit(**ANY_LANES)
def forward(
    images_ptr,
    weights_ptr,
    bias_ptr,
    output_ptr,
    place_ptr,
    images_stride,
    weights_stride,
    bias_stride,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    SIDE: tl.constexpr,
    WINDOWS: tl.constexpr,
    BATCH: tl.constexpr,
    GROUP: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Compute GROUP outputs of one window for some images."""
    blocks: tl.constexpr = (BATCH + BLOCK - 1) // BLOCK
    window, lane = tl.program_id(0) // blocks, tl.program_id(2)
    first = tl.program_id(1) * GROUP
    image = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    mask = image < BATCH
    corner = (window // WINDOWS * 2 * SIDE + window % WINDOWS * 2) * BATCH
    images_ptr += lane.to(tl.int64) * images_stride + corner + image
    weights_ptr += lane * weights_stride + first * CHANNELS * 25
    bias_ptr += lane * bias_stride + first
    sums = _zeros(4 * GROUP, BLOCK, images_ptr.dtype.element_ty)
    for c in range(CHANNELS):
        patch = _patch(images_ptr + c * SIDE * SIDE * BATCH, SIDE, BATCH, mask)
        more = ()
        for o in tl.static_range(GROUP):
            more = more + _convolved(sums[4 * o : 4 * o + 4], patch, weights_ptr + (o * CHANNELS + c) * 25)
        sums = more
    for o in tl.static_range(GROUP):
        largest = sums[4 * o]
        place = tl.zeros([BLOCK], tl.uint8)
        for p in tl.static_range(1, 4):
            z = sums[4 * o + p]
            larger = (z > largest) | (z != z)  # what is not a number stays one
            largest = tl.where(larger, z, largest)
            place = tl.where(larger, p, place).to(tl.uint8)
        largest += tl.load(bias_ptr + o)
        closed = largest <= 0
        row = (lane * OUTPUTS + first + o).to(tl.int64)
        at = (row * WINDOWS * WINDOWS + window) * BATCH + image
        tl.store(output_ptr + at, tl.where(closed, 0.0, largest), mask=mask)
        tl.store(place_ptr + at, tl.where(closed, CLOSED, place).to(tl.uint8), mask=mask)


@triton.jit
def _correlated(sums, d, patch):
    """Add to the gradients of 25 weights what the four outputs of a window bring them."""
    more = ()
    for y in tl.static_range(5):
        for x in tl.static_range(5):
            k = sums[5 * y + x]
            k += d[0] * patch[6 * y + x]
            k += d[1] * patch[6 * y + x + 1]
            k += d[2] * patch[6 * y + x + 6]
            k += d[3] * patch[6 * y + x + 7]
            more = more + (k,)
    return more


@triton.jit(**ANY_LANES)
def weights_gradient(
    images_ptr,
    gradient_ptr,
    place_ptr,
    weights_ptr,
    bias_ptr,
    images_stride,
    lanes,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    SIDE: tl.constexpr,
    WINDOWS: tl.constexpr,
    BATCH: tl.constexpr,
    GROUP: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Sum one row of windows of all images, for one channel and GROUP outputs."""
    line, lane = tl.program_id(0), tl.program_id(2)
    channel, first = tl.program_id(1) % CHANNELS, tl.program_id(1) // CHANNELS * GROUP
    row = lane * OUTPUTS + first
    images_ptr += lane.to(tl.int64) * images_stride + (channel * SIDE + 2 * line) * SIDE * BATCH
    from_output = (row.to(tl.int64) * WINDOWS + line) * WINDOWS * BATCH
    sums = _zeros(26 * GROUP, BLOCK, gradient_ptr.dtype.element_ty)
    for step in range((BATCH + BLOCK - 1) // BLOCK * WINDOWS):
        window = step % WINDOWS
        image = step // WINDOWS * BLOCK + tl.arange(0, BLOCK)
        mask = image < BATCH
        patch = _patch(images_ptr + 2 * window * BATCH + image, SIDE, BATCH, mask)
        more = ()
        for o in tl.static_range(GROUP):
            at = from_output + (o * WINDOWS * WINDOWS + window) * BATCH + image
            gradient = tl.load(gradient_ptr + at, mask=mask, other=0.0)
            place = tl.load(place_ptr + at, mask=mask, other=CLOSED)
            more = more + _correlated(sums[26 * o : 26 * o + 25], _split(place, gradient), patch)
            more = more + (sums[26 * o + 25] + tl.where(place == CLOSED, 0.0, gradient),)
        sums = more
    row += line * lanes * OUTPUTS
    for o in tl.static_range(GROUP):
        for k in tl.static_range(25):
            tl.store(weights_ptr + ((row + o) * CHANNELS + channel) * 25 + k, tl.sum(sums[26 * o + k]))
        if channel == 0:
            tl.store(bias_ptr + row + o, tl.sum(sums[26 * o + 25]))


@triton.jit
def _reached(pixels, d, weights_ptr, UP: tl.constexpr, LEFT: tl.constexpr):
    """Add to the 2x2 pixels of a block in one channel what the window UP above it and LEFT of it brings them."""
    more = ()
    for p in tl.static_range(4):
        pixel = pixels[p]
        for q in tl.static_range(4):
            # The pixel lies so far below and to the right of the convolution's output.
            y = 2 * UP + p // 2 - q // 2
            x = 2 * LEFT + p % 2 - q % 2
            if (y >= 0) and (y < 5) and (x >= 0) and (x < 5):
                pixel += d[q] * tl.load(weights_ptr + (5 * y + x))
        more = more + (pixel,)
    return more


@triton.jit(**ANY_LANES)
def images_gradient(
    gradient_ptr,
    place_ptr,
    weights_ptr,
    images_ptr,
    weights_stride,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    SIDE: tl.constexpr,
    WINDOWS: tl.constexpr,
    BATCH: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Compute the 2x2 pixels of one block, in all channels of some images."""
    blocks: tl.constexpr = (BATCH + BLOCK - 1) // BLOCK
    half: tl.constexpr = SIDE // 2
    block, lane = tl.program_id(0) // blocks, tl.program_id(1)
    block_y, block_x = block // half, block % half
    image = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    mask = image < BATCH
    weights_ptr += lane * weights_stride
    pixels = _zeros(4 * CHANNELS, BLOCK, gradient_ptr.dtype.element_ty)
    for i in tl.static_range(3):
        for j in tl.static_range(3):
            window_y, window_x = block_y - i, block_x - j
            inside = (window_y >= 0) & (window_y < WINDOWS) & (window_x >= 0) & (window_x < WINDOWS)
            if inside:
                for o in range(OUTPUTS):
                    row = (lane * OUTPUTS + o).to(tl.int64)
                    at = ((row * WINDOWS + window_y) * WINDOWS + window_x) * BATCH + image
                    gradient = tl.load(gradient_ptr + at, mask=mask, other=0.0)
                    place = tl.load(place_ptr + at, mask=mask, other=CLOSED)
                    d = _split(place, gradient)
                    more = ()
                    for c in tl.static_range(CHANNELS):
                        w_ptr = weights_ptr + (o * CHANNELS + c) * 25
                        more = more + _reached(pixels[4 * c : 4 * c + 4], d, w_ptr, i, j)
                    pixels = more
    for c in tl.static_range(CHANNELS):
        for p in tl.static_range(4):
            y, x = 2 * block_y + p // 2, 2 * block_x + p % 2
            at = ((((lane * CHANNELS + c).to(tl.int64) * SIDE) + y) * SIDE + x) * BATCH + image
            tl.store(images_ptr + at, pixels[4 * c + p], mask=mask)
