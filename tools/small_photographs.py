"""Make the two photographs that PhotoKernel brings: python -m tools.small_photographs

scikit-learn's, cut around their middle and scaled to 240 rows and 320 columns, as JPEG: a page
carries both in 40 kB. With no color left out between pixels, or libraries would fill it in, each
in its way.
"""

import numpy as np
from PIL import Image, ImageOps

import cnnlib
from tools.recording import ASSETS

SIZE, QUALITY = (320, 240), 80


def main() -> None:
    """Write assets/china.jpg and assets/flower.jpg."""
    for name, image in cnnlib.photographs().items():
        pixels = Image.fromarray((image * 255).round().astype(np.uint8).transpose(1, 2, 0))
        small = ImageOps.fit(pixels, SIZE)
        small.save(ASSETS / f"{name}.jpg", quality=QUALITY, subsampling=0, optimize=True)


if __name__ == "__main__":
    main()
