// SPDX-License-Identifier: Apache-2.0
// Bytes and texts: what is passed to the library, and what comes back from it. Part of zeebe.hpp.
#ifndef ZEEBE_BYTES_HPP
#define ZEEBE_BYTES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <zeebe.h>

#if __cplusplus >= 202002L && __has_include(<ranges>)
#include <ranges>
#endif

namespace zeebe {

namespace detail {

template <class T>
inline constexpr bool is_byte = std::is_same_v<T, char> || std::is_same_v<T, unsigned char> || std::is_same_v<T, std::byte>;

/// Whether `C` has bytes in a row: `data()` and `size()`, as strings, vectors, arrays, spans and Buffer have.
template <class C, class = void>
inline constexpr bool has_bytes = false;
template <class C>
inline constexpr bool has_bytes<C, std::void_t<decltype(std::declval<const C &>().data()), decltype(std::declval<const C &>().size())>> =
    is_byte<std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<const C &>().data())>>>;

} // namespace detail

/// Bytes that belong to somebody else: a span of `const std::uint8_t`, for C++17.
///
/// It is made of anything that has bytes in a row, and a `std::span<const std::uint8_t>` can be made of it.
class bytes_view {
public:
    constexpr bytes_view() noexcept = default;
    constexpr bytes_view(const std::uint8_t *data, std::size_t size) noexcept : data_(data), size_(size) {}
    bytes_view(const void *data, std::size_t size) noexcept : data_(static_cast<const std::uint8_t *>(data)), size_(size) {}
    /// A literal, all of it but the NUL at its end: an encoded message may have others.
    template <std::size_t N>
    bytes_view(const char (&literal)[N]) noexcept : bytes_view(literal, literal[N - 1] == 0 ? N - 1 : N)
    {
    }
    /// What a program has written into an array, up to its first NUL.
    template <std::size_t N>
    bytes_view(char (&text)[N]) noexcept : bytes_view(text, static_cast<std::size_t>(std::find(text, text + N, '\0') - text))
    {
    }
    /// A text up to its NUL. By reference, or it would be preferred for arrays.
    template <class P, std::enable_if_t<std::is_same_v<P, const char *> || std::is_same_v<P, char *>, int> = 0>
    bytes_view(const P &text) noexcept : bytes_view(text, std::strlen(text))
    {
    }
    /// A string, a string_view, a vector, an array or a span of bytes, a Buffer, a Response.
    template <class C, std::enable_if_t<detail::has_bytes<C>, int> = 0>
    bytes_view(const C &bytes) noexcept : bytes_view(static_cast<const void *>(bytes.data()), bytes.size())
    {
    }

    constexpr const std::uint8_t *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr const std::uint8_t *begin() const noexcept { return data_; }
    constexpr const std::uint8_t *end() const noexcept { return data_ + size_; }
    constexpr std::uint8_t operator[](std::size_t index) const noexcept { return data_[index]; }

    /// The same bytes as text.
    std::string_view text() const noexcept { return {reinterpret_cast<const char *>(data_), size_}; }

    friend bool operator==(bytes_view a, bytes_view b) noexcept { return a.text() == b.text(); }
    friend bool operator!=(bytes_view a, bytes_view b) noexcept { return !(a == b); }

private:
    const std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
};

/// A text that ends in NUL, as C wants it. Literals and strings are borrowed; a string_view is copied, for it ends anywhere.
///
/// For parameters: it lives as long as what it was made of.
class text_view {
public:
    text_view(const char *text) noexcept : text_(text), size_(std::strlen(text)) {}
    text_view(const std::string &text) noexcept : text_(text.c_str()), size_(text.size()) {}
    text_view(std::string_view text) : copy_(text), text_(copy_.c_str()), size_(text.size()) {}
    text_view(const text_view &) = delete;
    text_view &operator=(const text_view &) = delete;

    const char *c_str() const noexcept { return text_; }
    std::string_view view() const noexcept { return {text_, size_}; }
    /// Whether a NUL comes before the end, so that C would see less than there is.
    bool has_nul() const noexcept { return std::memchr(text_, 0, size_) != nullptr; }

private:
    std::string copy_;
    const char *text_;
    std::size_t size_;
};

namespace detail {

/// One reference to an object of the C API. A copy is a reference of its own, so each thread may have one.
template <class C, C *(*Ref)(const C *), void (*Free)(C *)>
class Handle {
public:
    Handle() noexcept = default;
    explicit Handle(C *owned) noexcept : pointer_(owned) {}
    Handle(const Handle &other) noexcept : pointer_(Ref(other.pointer_)) {}
    Handle(Handle &&other) noexcept : pointer_(other.release()) {}
    Handle &operator=(Handle other) noexcept
    {
        std::swap(pointer_, other.pointer_);
        return *this;
    }
    ~Handle() { Free(pointer_); }

    /// Whether it stands for something; one that was moved from does not.
    explicit operator bool() const noexcept { return pointer_ != nullptr; }
    /// The object of zeebe.h, borrowed.
    C *get() const noexcept { return pointer_; }
    /// The object of zeebe.h, which is the caller's from here on.
    C *release() noexcept { return std::exchange(pointer_, nullptr); }
    /// Where a function of zeebe.h may write an object, which this then owns.
    C **out() noexcept
    {
        Free(release());
        return &pointer_;
    }

private:
    C *pointer_ = nullptr;
};

/// A string that the library gave out. It frees it after overwriting it.
inline std::string take(char *text)
{
    struct Free {
        char *text;
        ~Free() { zeebe_string_free(text); }
    } free{text};
    return text == nullptr ? std::string() : std::string(text);
}

} // namespace detail

/// Immutable bytes that the library received, or encoded. A copy shares them.
class Buffer : public detail::Handle<zeebe_buffer, zeebe_buffer_ref, zeebe_buffer_free> {
public:
    using Handle::Handle;

    const std::uint8_t *data() const noexcept { return zeebe_buffer_data(get(), nullptr); }
    std::size_t size() const noexcept
    {
        std::size_t size = 0;
        zeebe_buffer_data(get(), &size);
        return size;
    }
    bool empty() const noexcept { return size() == 0; }
    /// The bytes as text; it lives as long as the last copy of this buffer.
    std::string_view text() const noexcept { return bytes_view(*this).text(); }
};

} // namespace zeebe

#if defined(__cpp_lib_ranges)
template <>
inline constexpr bool std::ranges::enable_borrowed_range<zeebe::bytes_view> = true;
#endif

#endif
