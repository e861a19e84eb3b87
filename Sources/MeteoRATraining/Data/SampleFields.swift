import MeteoRASafetensors

/// The fields of a line of a task's file.
struct SampleFields {
  /// What spans may name; `nil` if any name will do.
  let adapters: [String]?
  /// Whether a line has to have spans.
  let needsSpans: Bool

  private static let names = ["prompt", "response", "spans"]
  private static let spanNames = ["task", "start", "end"]
  private var example: String {
    needsSpans
      ? #"{"prompt":"…","response":"…","spans":[{"task":"…","start":0,"end":1}]}"#
      : #"{"prompt":"…","response":"…"}"#
  }

  func sample(of line: JSONLine) throws(JSONLineError) -> SampleText {
    let object = try line.object(like: example)
    do throws(JSONError) {
      try refuseMisspellings(in: object)
      let prompt = try object.required("prompt").utf8Value()
      let response = try object.required("response").utf8Value()
      let value = try needsSpans ? object.required("spans") : object.optional("spans")
      let spans = try value.map { value throws(JSONError) in
        try self.spans(value, of: prompt + response)
      }
      // Without adapters there is nothing that spans could belong to.
      return SampleText(
        prompt: prompt, response: response, spans: adapters == nil ? [] : spans ?? [],
        hasSpans: spans?.isEmpty == false, line: line.number)
    } catch {
      throw line.placed(error, example: example)
    }
  }

  private func refuseMisspellings(in object: JSONValue) throws(JSONError) {
    for (key, _) in try object.membersValue() where !Self.names.contains(where: key.equals) {
      guard let meant = nearestName(to: key.string ?? "", among: Self.names) else { continue }
      throw key.mismatch(expected: "the name '\(meant)', or one that is not so near to it")
    }
  }

  // MARK: Spans

  private func spans(
    _ value: JSONValue, of text: [UInt8]
  ) throws(JSONError) -> [AdapterSpan] {
    var spans: [(span: AdapterSpan, value: JSONValue)] = []
    for element in try value.elementsValue() {
      spans.append((try span(element, of: text), element))
    }
    if needsSpans && spans.isEmpty { throw value.mismatch(expected: "at least one span") }
    spans.sort { $0.span.bytes.lowerBound < $1.span.bytes.lowerBound }
    for (before, after) in zip(spans, spans.dropFirst())
    where before.span.bytes.upperBound > after.span.bytes.lowerBound {
      let bytes = before.span.bytes
      throw try after.value.required("start").mismatch(
        expected: "a byte outside the span from \(bytes.lowerBound) to \(bytes.upperBound)")
    }
    return spans.map(\.span)
  }

  private func span(_ value: JSONValue, of text: [UInt8]) throws(JSONError) -> AdapterSpan {
    try value.refuseFields(except: Self.spanNames)
    let adapter = try adapter(value.required("task"))
    let startValue = try value.required("start")
    let endValue = try value.required("end")
    if text.isEmpty { throw value.mismatch(expected: "no span of a text without a byte") }
    let start = try startValue.integerValue(in: 0...text.count - 1)
    let end = try endValue.integerValue(in: start + 1...text.count)
    for (place, value) in [(start, startValue), (end, endValue)]
    where place < text.count && text[place] & 0xC0 == 0x80 {
      let first = text[..<place].lastIndex { $0 & 0xC0 != 0x80 } ?? 0
      throw value.mismatch(
        expected: "a byte that begins a character; this one belongs to the character at \(first)")
    }
    return AdapterSpan(adapter: adapter, bytes: start..<end)
  }

  private func adapter(_ value: JSONValue) throws(JSONError) -> Int {
    let name = try value.utf8Value()
    guard let adapters else { return 0 }
    if let index = adapters.firstIndex(where: { $0.utf8.elementsEqual(name) }) { return index }
    let nearest = nearestName(to: String(decoding: name, as: UTF8.self), among: adapters)
    throw value.mismatch(
      expected: nearest.map { "the name of an adapter; the nearest is '\(printable($0))'" }
        ?? "the name of an adapter: \(NameList(adapters))")
  }
}
