/// The `__metadata__` of a safetensors file: texts under texts, in the order of the file.
///
/// Keys are the same if their UTF-8 bytes are. The `safetensors` package writes several keys in an
/// order that it draws anew each time, so the order is kept: written again, the bytes are the same.
public struct SafetensorsMetadata: Sendable, ExpressibleByDictionaryLiteral {
  /// The entries in order.
  public private(set) var entries: [(key: String, value: String)]

  /// Metadata with these entries in this order; of entries with the same key the last counts.
  public init(entries: [(key: String, value: String)] = []) {
    var positions: [[UInt8]: Int] = [:]
    self.entries = []
    for entry in entries {
      if let position = positions[Array(entry.key.utf8)] {
        self.entries[position].value = entry.value
      } else {
        positions[Array(entry.key.utf8)] = self.entries.count
        self.entries.append(entry)
      }
    }
  }

  /// Metadata of entries whose keys are known to differ.
  init(uniqueEntries: [(key: String, value: String)]) {
    entries = uniqueEntries
  }

  /// Metadata with these entries in this order, as in `["format": "pt"]`.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(entries: elements.map { (key: $0.0, value: $0.1) })
  }

  /// The value of a key; `nil` if the key is absent. A new key goes to the end.
  public subscript(key: String) -> String? {
    get { position(of: key).map { entries[$0].value } }
    set {
      switch (position(of: key), newValue) {
      case (let position?, let value?): entries[position].value = value
      case (let position?, nil): entries.remove(at: position)
      case (nil, let value?): entries.append((key, value))
      case (nil, nil): break
      }
    }
  }

  private func position(of key: String) -> Int? {
    entries.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
  }
}
