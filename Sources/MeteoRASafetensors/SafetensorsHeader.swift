// SafetensorsHeader: from the bytes of a file to the list of its tensors.
//
//   ┌ 8 bytes ┬ n bytes ────────────────────────────────────────────┬───────────────┐
//   │ n, u64  │ {"__metadata__":{…},"w":{"dtype":"F32",             │ tensor data,  │
//   │ little  │   "shape":[2,3],"data_offsets":[0,24]},…} + spaces  │ no holes      │
//   └─────────┴─────────────────────────────────────────────────────┴───────────────┘
//
// Format: the README of the `safetensors` project. Where that text and the package of the same name
// differ, this reader keeps to the text: white space before `{`, duplicate keys, a null
// `__metadata__` and an entry written as an array are refused, though the package takes them.

struct SafetensorsHeader {
  /// The tensor of one entry, checked; `range` counts from the first byte after the header.
  struct Entry {
    let name: [UInt8]
    let dtype: SafetensorsDType
    let shape: [Int]
    let elementCount: Int
    let range: Range<Int>
  }

  /// One entry as the JSON says it, of the right types and not yet checked.
  private struct Declaration {
    let name: [UInt8]
    let dtype: String
    let shape: [Int]
    let begin: Int
    let end: Int
    let unknownField: String?
  }

  /// The length beyond which a header is refused, the same as that of the `safetensors` package.
  static let largestHeader = 100_000_000
  static let metadataName = "__metadata__"

  let metadata: SafetensorsMetadata?
  /// The tensors in the order of their data.
  let entries: [Entry]
  /// The offset in the file at which the data begin.
  let dataStart: Int

  /// Reads and checks the header of a whole file.
  init(of file: UnsafeRawBufferPointer, source: String) throws(SafetensorsError) {
    let header = try Self.headerBytes(of: file, source: source)
    let declarations: [Declaration]
    do throws(JSONError) {
      let root = try JSONDocument(bytes: header, source: "\(source) (header)").root
      metadata = try root[Self.metadataName].map(Self.metadata)
      declarations = try Self.declarations(in: root)
    } catch {
      throw .json(error)
    }
    dataStart = 8 + header.count
    entries = try Self.entries(declarations, dataSize: file.count - dataStart, source: source)
  }

  private static func headerBytes(
    of file: UnsafeRawBufferPointer, source: String
  ) throws(SafetensorsError) -> [UInt8] {
    if file.count < 8 { throw .tooShort(file: source, byteCount: file.count) }
    let declared = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    if declared > UInt64(largestHeader) {
      throw .headerTooLarge(file: source, declared: declared, limit: largestHeader)
    }
    let length = Int(declared)
    if length > file.count - 8 {
      throw .headerExceedsFile(file: source, declared: declared, available: file.count - 8)
    }
    // Looked at before the header is copied and parsed: most files that are no safetensors end
    // here.
    let found = length == 0 ? nil : file[8]
    guard found == UInt8(ascii: "{") else { throw .headerStart(file: source, found: found) }
    return Array(file[8..<(8 + length)])
  }

  // MARK: JSON

  private static func metadata(_ value: JSONValue) throws(JSONError) -> SafetensorsMetadata {
    var entries: [(key: String, value: String)] = []
    for (key, value) in try value.membersValue() {
      entries.append((try key.stringValue(), try value.stringValue()))
    }
    // The JSON reader has refused duplicate keys.
    return SafetensorsMetadata(uniqueEntries: entries)
  }

  private static func declarations(in root: JSONValue) throws(JSONError) -> [Declaration] {
    var declarations: [Declaration] = []
    for (key, value) in try root.membersValue() where !key.equals(metadataName) {
      var unknownField: String?
      for (field, _) in try value.membersValue() {
        let isKnown = field.equals("dtype") || field.equals("shape") || field.equals("data_offsets")
        if !isKnown && unknownField == nil { unknownField = field.string }
      }
      var shape: [Int] = []
      for size in try value.required("shape").elementsValue() {
        shape.append(try unsignedInteger(size))
      }
      let offsets = try value.required("data_offsets")
      let bounds = Array(try offsets.elementsValue())
      guard bounds.count == 2 else {
        throw offsets.mismatch(expected: "an array of two integers")
      }
      declarations.append(
        Declaration(
          name: try key.utf8Value(), dtype: try value.required("dtype").stringValue(),
          shape: shape, begin: try unsignedInteger(bounds[0]), end: try unsignedInteger(bounds[1]),
          unknownField: unknownField))
    }
    return declarations
  }

  /// An integer from 0, written without a sign: `-0` is none, as for the `safetensors` package.
  private static func unsignedInteger(_ value: JSONValue) throws(JSONError) -> Int {
    guard let integer = value.integer, value.numberText?.utf8.first != UInt8(ascii: "-") else {
      throw value.mismatch(expected: "an integer from 0 to \(Int.max)")
    }
    return integer
  }

  // MARK: Checks

  private static func entries(
    _ declarations: [Declaration], dataSize: Int, source: String
  ) throws(SafetensorsError) -> [Entry] {
    var unordered: [Entry] = []
    unordered.reserveCapacity(declarations.count)
    for declaration in declarations {
      unordered.append(try entry(declaration, source: source))
    }
    // Empty tensors share a place; the order of the header decides between them.
    let entries = unordered.enumerated().sorted { left, right in
      let (a, b) = (left.element.range, right.element.range)
      return (a.lowerBound, a.upperBound, left.offset) < (b.lowerBound, b.upperBound, right.offset)
    }.map(\.element)
    var end = 0
    var previous: [UInt8] = []
    for entry in entries {
      let begin = entry.range.lowerBound
      let name = String(decoding: entry.name, as: UTF8.self)
      if begin < end {
        throw .overlap(
          file: source, tensor: name, begin: begin,
          previous: String(decoding: previous, as: UTF8.self), previousEnd: end)
      }
      if begin > end { throw .hole(file: source, tensor: name, begin: begin, expected: end) }
      end = entry.range.upperBound
      previous = entry.name
    }
    if end > dataSize { throw .truncatedData(file: source, expected: end, actual: dataSize) }
    if end < dataSize { throw .trailingBytes(file: source, expected: end, actual: dataSize) }
    return entries
  }

  private static func entry(
    _ declaration: Declaration, source: String
  ) throws(SafetensorsError) -> Entry {
    let name = String(decoding: declaration.name, as: UTF8.self)
    if let field = declaration.unknownField {
      throw .unsupportedField(file: source, tensor: name, field: field)
    }
    guard let dtype = SafetensorsDType(name: declaration.dtype) else {
      throw .unsupportedDType(file: source, tensor: name, dtype: declaration.dtype)
    }
    guard let size = dtype.size(of: declaration.shape) else {
      throw .shapeOverflow(file: source, tensor: name, dtype: dtype, shape: declaration.shape)
    }
    let (begin, end) = (declaration.begin, declaration.end)
    if end < begin { throw .offsetsReversed(file: source, tensor: name, begin: begin, end: end) }
    if end - begin != size.bytes {
      throw .byteCountMismatch(
        file: source, tensor: name, dtype: dtype, shape: declaration.shape, expected: size.bytes,
        actual: end - begin)
    }
    return Entry(
      name: declaration.name, dtype: dtype, shape: declaration.shape, elementCount: size.elements,
      range: begin..<end)
  }
}
