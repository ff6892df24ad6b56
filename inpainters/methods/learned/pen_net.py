"""PEN-Net: Zeng, Fu, Chao and Guo, Learning Pyramid-Context Encoder Network for High-Quality Image
Inpainting, CVPR 2019.
"""

from collections.abc import Generator

from inpainters.base import Frame, Piece
from inpainters.imaging import Image
from inpainters.methods.learned.base import Learned, pasted, to_images


class PenNet(Learned):
    def frames(self, piece: Piece) -> Generator[Frame, None, Image | None]:
        pyramid = self.stages([piece])
        for number, picture in enumerate(pyramid, 1):
            scale = 2 ** (len(pyramid) - number)
            title = (
                f"What the decoder drew at 1/{scale} of the size"
                if scale > 1
                else "What the decoder drew at full size"
            )
            yield Frame(f"pyramid/{number}", title, pasted(picture, piece))
        return to_images(pyramid[-1])[0]
