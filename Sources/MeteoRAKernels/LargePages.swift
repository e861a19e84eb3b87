#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Memory in pages of 2 MiB, where the system has them: Linux, by request.
///
/// A page of 4 KiB costs a fault when it is first written and an entry of the processor's table of
/// pages when it is read. Gigabytes of weights in large pages are filled several times as fast, and
/// read by products some 10 % faster.
enum LargePages {
  /// The size and the alignment of a page.
  static let byteCount = 2 << 20

  /// Bytes from the beginning of `byteCount` that large pages may back: whole pages, and the last
  /// one where no more than a thirty-second of all is lost to it.
  static func covered(of byteCount: Int) -> Int {
    let rest = byteCount % Self.byteCount
    let lost = rest == 0 ? 0 : Self.byteCount - rest
    return lost <= byteCount / 32 ? byteCount + lost : byteCount - rest
  }

  #if canImport(Glibc) || canImport(Musl)
    /// New memory at a multiple of ``byteCount``; `nil` if the system gives none.
    ///
    /// It comes from the system and not from the allocator, which would keep what is freed for
    /// requests of other sizes.
    static func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
      let page = Self.byteCount
      guard byteCount <= Int.max - 2 * page else { return nil }
      let kept = (byteCount + page - 1) / page * page
      guard
        let start = mmap(
          nil, kept + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        start != MAP_FAILED
      else { return nil }
      let first = start.alignedUp(toMultipleOf: page)
      let before = first - start
      if before > 0 { munmap(start, before) }
      if before < page { munmap(first + kept, page - before) }
      // Not an error where the system refuses: pages are small then.
      madvise(first, covered(of: byteCount), MADV_HUGEPAGE)
      return first
    }

    /// Gives back what ``allocate(byteCount:)`` gave for as many bytes.
    static func free(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
      munmap(memory, (byteCount + Self.byteCount - 1) / Self.byteCount * Self.byteCount)
    }
  #else
    /// No memory: there are no large pages to ask for.
    static func allocate(byteCount: Int) -> UnsafeMutableRawPointer? { nil }

    /// Never called.
    static func free(_ memory: UnsafeMutableRawPointer, byteCount: Int) {}
  #endif
}
