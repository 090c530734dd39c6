"""What is said of a file that cannot be taken, for all who look into files. Pure."""

from __future__ import annotations

from zerotrip.kernel.errors import Fault


def empty(path: str) -> Fault:
    """A file without bytes."""
    return Fault(
        path,
        "material_empty",
        "文件是空的，请重新选择文件后上传。",
        "The file is empty: choose the file again and upload it.",
    )


def damaged(path: str, name: str) -> Fault:
    """A file that does not open; `name` is that of its type."""
    return Fault(
        path,
        "material_corrupt",
        f"{name}文件不完整或已损坏，请确认能正常打开后重新上传。",
        f"The {name} file is cut off or damaged: make sure that it opens, "
        "then upload again.",
    )


def locked(path: str) -> Fault:
    """A PDF with a password or permissions."""
    return Fault(
        path,
        "material_encrypted",
        "PDF文件设有密码或权限限制，请取消限制后重新上传。",
        "The PDF is locked by a password or permissions: unlock it, upload again.",
    )


def active(path: str) -> Fault:
    """A PDF in which something runs."""
    return Fault(
        path,
        "material_active_content",
        "PDF文件含有脚本、自动动作或动态表单，请打印为普通PDF后重新上传。",
        "The PDF holds a script, an action that starts by itself or a dynamic form: "
        "print it to a plain PDF and upload that.",
    )


def has_files(path: str) -> Fault:
    """A PDF in which other files are packed."""
    return Fault(
        path,
        "material_attachment",
        "PDF文件内附有其他文件，请去除附件或打印为普通PDF后重新上传；附件请按各项材料分别上传。",
        "Other files are packed inside the PDF: take them out or print it to a plain "
        "PDF, and upload each as the material that it is.",
    )


def too_many_pages(path: str, most: int) -> Fault:
    """A PDF of more pages than anybody asks for."""
    return Fault(
        path,
        "material_too_many_pages",
        f"PDF文件页数过多，最多{most}页，请只保留所需页后重新上传。",
        f"The PDF has too many pages, {most} at most: keep those that are asked for "
        "and upload again.",
    )


def too_many_pixels(path: str, most: int) -> Fault:
    """A picture that takes gigabytes to show."""
    return Fault(
        path,
        "material_too_many_pixels",
        f"图片像素过多，最多{most // 10_000}万像素，请缩小或降低分辨率后重新上传。",
        f"The picture has too many pixels, {most // 1_000_000} million at most: make "
        "it smaller or scan it at a lower resolution, then upload again.",
    )


def too_complex(path: str, name: str) -> Fault:
    """A file that cannot be looked through within its bounds."""
    return Fault(
        path,
        "material_too_complex",
        f"{name}文件内部过于庞大或复杂，无法检查，请打印为普通PDF或另存为普通图片后重新上传。",
        f"The {name} file is too large or too intricate inside to be checked: print it "
        "to a plain PDF or save it as a plain picture, then upload that.",
    )


def infected(path: str) -> Fault:
    """A file in which the scanner found malware. What it found stays in the record."""
    return Fault(
        path,
        "material_infected",
        "文件未通过恶意代码检查，请用杀毒软件检查设备，换用干净的文件后重新上传。",
        "The file did not pass the check for malware: have your device checked, then "
        "upload a clean file.",
    )
