"""Images and labels from files, folders and archives.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "ArrayData": "labelled_images",
        "FileData": "labelled_images",
        "ImageData": "labelled_images",
        "Sample": "labelled_images",
        "file_data": "labelled_images",
        "open_data": "labelled_images",
    },
)
