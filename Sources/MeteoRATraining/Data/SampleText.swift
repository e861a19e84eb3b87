/// A line of a task's file.
package struct SampleText: Sendable, Equatable {
  /// UTF-8.
  package var prompt: [UInt8]
  /// UTF-8.
  package var response: [UInt8]
  /// Parts of prompt + response that belong to adapters of their own, ascending, none empty, apart
  /// from each other, cut between characters.
  package var spans: [AdapterSpan]
  /// Whether the line has spans; where no adapters are known, they are not among ``spans``.
  package var hasSpans: Bool
  /// From 1, for messages.
  package var line: Int

  package init(
    prompt: [UInt8], response: [UInt8], spans: [AdapterSpan] = [], hasSpans: Bool? = nil,
    line: Int = 1
  ) {
    self.prompt = prompt
    self.response = response
    self.spans = spans
    self.hasSpans = hasSpans ?? !spans.isEmpty
    self.line = line
  }
}

/// A part of a sample that belongs to an adapter.
package struct AdapterSpan: Sendable, Equatable {
  /// The index of the adapter.
  package var adapter: Int
  /// Bytes of prompt + response.
  package var bytes: Range<Int>

  package init(adapter: Int, bytes: Range<Int>) {
    self.adapter = adapter
    self.bytes = bytes
  }
}
