import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRAReports

@Suite("The script of a page")
struct RoutingPageScriptTests {
  @Test("the policy allows it, and nothing else to run")
  func policy() throws {
    let hex = Array(RoutingPageScript.text.utf8).withUnsafeBytes { SHA256.hexDigest(of: $0) }
    let bytes = stride(from: 0, to: hex.count, by: 2).compactMap { start in
      UInt8(hex.dropFirst(start).prefix(2), radix: 16)
    }
    let digest = Data(bytes).base64EncodedString()
    #expect(RoutingPageScript.digest == digest, "set it to \(digest)")
    let page = try RoutingReport.example([("a", [(0, 1)])]).page()
    #expect(page.contains("script-src 'sha256-\(RoutingPageScript.digest)'\"/>"))
    #expect(page.contains("<script>\(RoutingPageScript.text)</script>"))
    // One that runs, one of weights.
    #expect(page.components(separatedBy: "<script").count == 3)
  }

  @Test("nothing in the page but a script would run")
  func handlers() throws {
    let page = try PageReader(RoutingReport.example([("a", [(0, 1)])]).page())
    for element in page.elements {
      #expect(element.attributes.keys.allSatisfy { !$0.hasPrefix("on") }, "\(element.name)")
    }
  }
}
