"""A program of one disk sector that ends well only where a processor truly runs guests.

A ``/dev/kvm`` that opens is no proof: on some virtual machines KVM only interprets the first instructions of
a guest, which then stops before its kernel has started. The program does what a kernel does first, and
what such hosts cannot: it sets up page tables, enters 64-bit mode, uses SSE, and counts to fifty million
(which takes 20 ms, or a minute where instructions are interpreted). Then it reports a panic to the port of
the ``isa`` panic device; libvirt shows the guest as *crashed (panicked)*.

::

        cli                             ; 16 bits, at 0x7c00
        xor eax, eax
        mov ds, ax; mov es, ax; mov ss, ax; mov sp, 0x7c00
        mov di, 0x1000; mov cx, 0xc00; cld; rep stosd
        mov word [0x1000], 0x2003       ; three levels of tables, one page of 2 MiB
        mov word [0x2000], 0x3003
        mov word [0x3000], 0x0083
        mov eax, 0x1000; mov cr3, eax
        mov eax, cr4; or eax, 0x620; mov cr4, eax               ; PAE, OSFXSR, OSXMMEXCPT
        mov ecx, 0xc0000080; rdmsr; or ah, 1; wrmsr             ; EFER.LME
        mov eax, cr0; and al, 0xfb; or eax, 0x80000003; mov cr0, eax
        lgdt [gdtr]
        jmp 8:long
    long:
        mov eax, 0x10; mov ds, eax; mov ss, eax                 ; 64 bits
        xor eax, eax; cpuid; movq xmm0, rax; paddq xmm0, xmm0
        mov ecx, 50000000
    again:
        dec ecx; jnz again
        mov dx, 0x505; mov al, 1; out dx, al                    ; pvpanic: PANICKED
    stop:
        hlt; jmp stop
    gdt:
        dq 0, 0x00209a0000000000, 0x0000920000000000
    gdtr:
        dw 23; dd gdt
"""

from __future__ import annotations

SECTOR_BYTES = 512

_CODE = bytes.fromhex(
    "fa6631c08ed88ec08ed0bc007cbf0010b9000cfc66f3abc70600100320c70600200330c7060030830066b8001000000f"
    "22d80f20e0660d200600000f22e066b9800000c00f3280cc010f300f20c024fb660d030000800f22c00f0116a87cea63"
    "7c0800b8100000008ed88ed031c00fa266480f6ec0660fd4c0b980f0fa02ffc975fc66ba0505b001eef4ebfd8d742600"
    "000000000000000000000000009a200000000000009200001700907c"
)
_SIGNATURE = b"\x55\xaa"

BOOT_SECTOR = _CODE.ljust(SECTOR_BYTES - len(_SIGNATURE), b"\0") + _SIGNATURE
